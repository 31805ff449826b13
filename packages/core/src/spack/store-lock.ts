import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { unlessAborted } from "../base/concurrency.js";
import { SpkociError } from "../base/errors.js";
import { withFileLock } from "../base/file-lock.js";
import type { Op } from "../base/op.js";
import { type KeptHelpers, type LockAnswer, type LockMode, requestLock } from "./lock-helper.js";
import type { Environment } from "./spack-command.js";

export interface StoreLockOptions {
  /** Exclusive for whoever writes, shared for readers that nobody may write beneath. */
  readonly mode: LockMode;
  /** Variables; PATH leads to the system's python3 or perl, which hold the lock. */
  readonly helperEnv: Environment;
  /** Keeps the program that held the lock for the next one; without it each lock starts one. */
  readonly keptHelpers?: KeptHelpers | undefined;
  /** Give up after so long, ms. 60 s unless told, as in Spack. */
  readonly patienceMs?: number | undefined;
}

const PATIENCE_MS = 60_000;

/** Errors of file systems that have no fcntl locks. */
const WITHOUT_LOCKS = new Set(["ENOLCK", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EINVAL"]);

/** The last one in line of each lock file of this process. */
const lines = new Map<string, Promise<void>>();

/**
 * Runs `task` while this process has Spack's lock of the store (format page, section 7): an fcntl lock on all of
 * `<root>/.spack-db/lock`, which exists already or whose folder does. Calls of this process go one after the other, so a task must not
 * ask for the same lock. Where no python3 or perl can hold such a lock, or the file system has none, a warning is emitted, and a lock
 * file of our own keeps only other spkoci away.
 * @param task gets a signal that is aborted when `op` is, and with LOCKED if the lock is lost; it must not write after that.
 * @throws SpkociError LOCKED if others hold the lock for too long, STORE_NOT_FOUND, NO_SPACE or STORAGE_FAILED
 */
export async function withStoreLock<T>(
  root: string,
  options: StoreLockOptions,
  task: (signal: AbortSignal) => Promise<T>,
  op?: Op,
): Promise<T> {
  const path = join(root, ".spack-db", "lock");
  return inLine(path, () => underLock(path, root, options, task, op), op?.signal);
}

async function inLine<T>(key: string, task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted();
  const before = lines.get(key) ?? Promise.resolve();
  let leave = (): void => {};
  const own = new Promise<void>((fulfil) => {
    leave = fulfil;
  });
  const last = before.then(() => own);
  lines.set(key, last);
  try {
    await unlessAborted(before, signal);
    return await task();
  } finally {
    leave();
    if (lines.get(key) === last) lines.delete(key);
  }
}

async function underLock<T>(
  path: string,
  root: string,
  options: StoreLockOptions,
  task: (signal: AbortSignal) => Promise<T>,
  op: Op | undefined,
): Promise<T> {
  const patienceMs = options.patienceMs ?? PATIENCE_MS;
  const onBusy = (): void => {
    op?.emit?.({ type: "step", step: "lock", message: `waiting for another process that works on the store ${root}` });
  };
  const request = { path, mode: options.mode, patienceMs, env: options.helperEnv, onBusy, kept: options.keptHelpers };
  const answer = await requestLock(request, op?.signal);
  if (answer.state === "held") {
    try {
      return await task(op?.signal ? AbortSignal.any([op.signal, answer.lost]) : answer.lost);
    } finally {
      await answer.release();
    }
  }
  if (answer.state === "busy") throw await stillLocked(path, root);
  warnOrThrow(answer, path, root, op);
  const own = join(root, ".spack-db", "spkoci.lock");
  return withFileLock(own, () => task(op?.signal ?? new AbortController().signal), op, { patienceMs });
}

function warnOrThrow(
  answer: Extract<LockAnswer, { readonly state: "refused" | "no-helper" }>,
  path: string,
  root: string,
  op: Op | undefined,
): void {
  if (answer.state === "refused" && !WITHOUT_LOCKS.has(answer.code)) throw refused(answer.code, path, root);
  const message =
    answer.state === "refused"
      ? `the file system of ${root} has no locks (${answer.code}); a running Spack isn't kept away from it`
      : `neither python3 nor perl is on PATH to hold Spack's lock of ${root}; a running Spack isn't kept away from it`;
  op?.emit?.({ type: "warning", message, hint: "Let no Spack write to this store at the same time." });
}

function refused(code: string, path: string, root: string): SpkociError {
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new SpkociError("STORE_NOT_FOUND", `no Spack store at ${root}`, {
      hint: "A store is the folder with .spack-db, such as /opt/spack/opt/spack.",
    });
  }
  if (code === "ENOSPC" || code === "EDQUOT") return new SpkociError("NO_SPACE", `no space left: locking ${path}`);
  const hint = "The store must be writable for whoever installs into it.";
  return new SpkociError("STORAGE_FAILED", `locking ${path}: ${code}`, { hint });
}

async function stillLocked(path: string, root: string): Promise<SpkociError> {
  const pid = await holderOf(path);
  const who = pid === undefined ? "another process" : `process ${pid}`;
  return new SpkociError("LOCKED", `the lock of the store ${root} is held by ${who}: ${path}`, {
    hint: "Wait until that Spack or spkoci is done, or end it. The lock goes with its process; the file itself may stay.",
  });
}

/** The process that holds an fcntl lock on a file, where Linux tells. */
async function holderOf(path: string): Promise<number | undefined> {
  try {
    const [{ dev, ino }, locks] = await Promise.all([stat(path), readFile("/proc/locks", "latin1")]);
    return findHolder(locks, dev, ino);
  } catch {
    return undefined;
  }
}

/** Finds the holder in the text of /proc/locks: `1: POSIX  ADVISORY  WRITE 1234 08:01:5678 0 EOF`. */
export function findHolder(locks: string, dev: number, ino: number): number | undefined {
  const hex = (number: number): string => number.toString(16).padStart(2, "0");
  // Linux's st_dev: 12 bits of major above 8 bits of minor, and the upper bits of both further up.
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  const file = `${hex(major)}:${hex(minor)}:${ino}`;
  for (const line of locks.split("\n")) {
    const [, kind, , , pid, where] = line.trim().split(/\s+/);
    if (kind === "POSIX" && where === file && Number(pid) > 0) return Number(pid);
  }
  return undefined;
}
