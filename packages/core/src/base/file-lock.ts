import { randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { asStorageError, SpkociError, systemCodeOf } from "./errors.js";
import { parseJson } from "./json.js";
import type { Op } from "./op.js";
import { hasEnded, ownProcess } from "./process-owner.js";
import { temporaryBeside } from "./temporary-file.js";

/** Who holds a lock file; the token tells one taking of the lock from another. */
const holderSchema = z.object({
  pid: z.number().int().positive(),
  host: z.string(),
  /** Of the host, for messages. */
  hostname: z.string(),
  token: z.string().regex(/^[0-9a-f]{16}$/),
});

type Holder = z.infer<typeof holderSchema>;

export interface LockOptions {
  /** Give up after so long, ms. 30 s unless told. */
  readonly patienceMs?: number;
}

/**
 * Runs `task` while this process holds the lock file `path`. The file says which process of which host holds it; a lock that a dead
 * process of this host left is taken over.
 * @throws SpkociError LOCKED if another holder does not let go in time; NO_SPACE or STORAGE_FAILED.
 */
export async function withFileLock<T>(
  path: string,
  task: () => Promise<T>,
  op?: Op,
  options: LockOptions = {},
): Promise<T> {
  const holder = { ...ownProcess(), hostname: hostname(), token: randomBytes(8).toString("hex") };
  await acquire(path, holder, performance.now() + (options.patienceMs ?? 30_000), op);
  try {
    return await task();
  } finally {
    await rm(path, { force: true });
  }
}

/** `deadline` on the clock of `performance.now()`, which no change of the system's time moves. */
async function acquire(path: string, holder: Holder, deadline: number, op: Op | undefined): Promise<void> {
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 100)) {
    op?.signal?.throwIfAborted();
    if (await createExclusively(path, JSON.stringify(holder))) return;
    const other = await readHolder(path);
    if (other && hasEnded(other)) {
      await removeDeadLock(path, other);
      continue;
    }
    if (performance.now() >= deadline) throw stillHeld(path, other);
    await sleep(waitMs / 2 + Math.random() * waitMs);
  }
}

/** What a file system says that has no hard links. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EXDEV",
  "EMLINK",
]);

/** Makes a file with all its content at once, so that a process that is killed leaves none without. False if the file exists. */
async function createExclusively(path: string, content: string): Promise<boolean> {
  const whole = temporaryBeside(path);
  try {
    await writeFile(whole, content, { flag: "wx", mode: 0o644 });
    await link(whole, path).catch((error: unknown) => {
      if (!NO_LINKS.has(systemCodeOf(error))) throw error;
      return writeFile(path, content, { flag: "wx", mode: 0o644 });
    });
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") return false;
    throw asStorageError(error, `writing ${path}`);
  } finally {
    await rm(whole, { force: true });
  }
}

/** Undefined if the lock is gone or is being written. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const parsed = holderSchema.safeParse(parseJson(await readFile(path, "utf8"), path));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Of all who find the same dead lock, only the one that makes the marker named after the lock's token may remove it, and it looks
 * again first; so nobody removes a lock that was taken in the meantime. A marker that a dead process left goes too.
 */
async function removeDeadLock(path: string, dead: Holder): Promise<void> {
  const marker = `${path}.${dead.token}.tmp`;
  const own: Holder = { ...dead, ...ownProcess(), hostname: hostname() };
  if (!(await createExclusively(marker, JSON.stringify(own)))) {
    const other = await readHolder(marker);
    if (other && hasEnded(other)) await rm(marker, { force: true });
    await sleep(5 + Math.random() * 20);
    return;
  }
  try {
    if ((await readHolder(path))?.token === dead.token) await rm(path, { force: true });
  } finally {
    await rm(marker, { force: true });
  }
}

function stillHeld(path: string, holder: Holder | undefined): SpkociError {
  const who = holder ? `process ${holder.pid} on ${JSON.stringify(holder.hostname)}` : "another process";
  return new SpkociError("LOCKED", `${path} is held by ${who}`, {
    hint: "Wait for that process to end; if it is not running any more, remove the file.",
  });
}
