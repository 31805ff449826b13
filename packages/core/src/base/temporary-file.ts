import { randomBytes } from "node:crypto";
import { lstat, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { digestOf, hexOf } from "./digest.js";
import { asStorageError, systemCodeOf } from "./errors.js";
import { hasEnded, ownProcess, type ProcessOwner } from "./process-owner.js";

/** `.<stem>.<host>-<process id>-<random>.tmp`. */
const TEMPORARY = /^\.(.*)\.([0-9a-f]{12})-([1-9]\d{0,9})-[0-9a-f]{16}\.tmp$/s;

/** Bytes of the longest name that is part of a temporary file's; file systems take 255 for all of it. */
const LONGEST_STEM = 200;

const DAY_MS = 24 * 60 * 60 * 1000;

/** A name beside `path` that nobody can guess and no reader takes for the file itself; it tells which process it is of. */
export function temporaryBeside(path: string): string {
  const { host, pid } = ownProcess();
  return join(dirname(path), `.${stemOf(path)}.${host}-${pid}-${randomBytes(8).toString("hex")}.tmp`);
}

/** The process that a name of `temporaryBeside` is of; undefined for any other name. */
export function ownerOfTemporary(name: string): ProcessOwner | undefined {
  const [, , host, pid] = TEMPORARY.exec(name) ?? [];
  return host === undefined ? undefined : { host, pid: Number(pid) };
}

/** Whether `temporaryBeside(path)`, of any process, may have given this name. */
export function isTemporaryOf(name: string, path: string): boolean {
  return TEMPORARY.exec(name)?.[1] === stemOf(path);
}

/**
 * Removes the temporary files in a folder that nobody will finish: those of processes of this host that have ended, whenever that was, and
 * those of other hosts that were last written to more than a day before this process began. What may not be removed, such as another
 * user's, stays. A folder that isn't there has none.
 * @throws SpkociError STORAGE_FAILED if the folder can't be read
 */
export async function removeLeftovers(folder: string): Promise<void> {
  try {
    const entries = await unlessGone(readdir(folder, { withFileTypes: true }));
    for (const entry of entries ?? []) {
      const owner = entry.isFile() ? ownerOfTemporary(entry.name) : undefined;
      const path = join(folder, entry.name);
      if (owner && (await isLeft(path, owner))) await rm(path, { force: true }).catch(() => {});
    }
  } catch (error) {
    throw asStorageError(error, `reading ${folder}`);
  }
}

async function isLeft(path: string, owner: ProcessOwner): Promise<boolean> {
  const own = ownProcess();
  if (owner.host === own.host && owner.pid !== own.pid) return hasEnded(owner);
  // Of another host, or of this process or an earlier one with its id.
  const stats = await unlessGone(lstat(path));
  return stats !== undefined && stats.mtimeMs < performance.timeOrigin - DAY_MS;
}

async function unlessGone<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function stemOf(path: string): string {
  const name = basename(path);
  return Buffer.byteLength(name) <= LONGEST_STEM ? name : hexOf(digestOf(name));
}
