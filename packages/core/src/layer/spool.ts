import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, readdir, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { asStorageError, systemCodeOf } from "../base/errors.js";
import { makeFolders } from "../base/make-folders.js";
import { hasEnded, ownProcess } from "../base/process-owner.js";
import { removeTree } from "../base/remove-tree.js";

/** A folder for the temporary files of one run. */
export interface Spool {
  readonly folder: string;
  /** Path of a new file in the folder, for the caller to create. */
  newFile(): string;
  /** Removes the folder with all that is in it. */
  dispose(): Promise<void>;
}

/** `<host>-<process id>-<random>`: tells whose folder it is. */
const RUN_FOLDER = /^([0-9a-f]{12})-([1-9]\d{0,9})-[0-9a-f]{32}$/;

/**
 * Makes `<cacheDir>/spool`, which only this user can enter, unless it is there.
 * @returns its path
 * @throws SpkociError NO_SPACE or STORAGE_FAILED naming the folder, the latter with `hint`
 */
export async function prepareSpool(cacheDir: string, hint?: string): Promise<string> {
  const folder = join(cacheDir, "spool");
  try {
    await makeFolders(folder, 0o700);
    await access(folder, constants.W_OK | constants.X_OK);
    return folder;
  } catch (error) {
    throw asStorageError(error, `making a folder in ${folder}`, hint);
  }
}

/**
 * Makes a folder for this run under `<cacheDir>/spool` that only this user can enter. Folders of runs of this host whose process has
 * ended are removed first.
 * @throws SpkociError NO_SPACE or STORAGE_FAILED naming the folder, the latter with `hint`
 */
export async function openSpool(cacheDir: string, hint?: string): Promise<Spool> {
  const parent = await prepareSpool(cacheDir, hint);
  const { host, pid } = ownProcess();
  const folder = join(parent, `${host}-${pid}-${randomBytes(16).toString("hex")}`);
  try {
    await removeSpoolLeftovers(cacheDir);
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    throw asStorageError(error, `making a folder in ${parent}`, hint);
  }
  let files = 0;
  return {
    folder,
    newFile: () => {
      files += 1;
      return join(folder, String(files));
    },
    dispose: async () => {
      await removeTree(folder);
    },
  };
}

const TMPFS = 0x01021994;
const RAMFS = 0x858458f6;

/** Whether a folder, or the nearest one above it that exists, lies in memory rather than on disk (Linux). */
export async function isMemoryFileSystem(path: string): Promise<boolean> {
  const { type } = await statfsOfNearest(resolve(path));
  return [TMPFS, RAMFS].includes(type >>> 0);
}

async function statfsOfNearest(path: string): Promise<{ type: number }> {
  try {
    return await statfs(path);
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT" || dirname(path) === path) throw asStorageError(error, `looking at ${path}`);
    return statfsOfNearest(dirname(path));
  }
}

/**
 * Removes what killed runs of this host left under `<cacheDir>/spool`. What can't be removed, such as another user's folder, stays.
 */
export async function removeSpoolLeftovers(cacheDir: string): Promise<void> {
  const parent = join(cacheDir, "spool");
  const names = await readdir(parent).catch((error: unknown) => {
    if (systemCodeOf(error) === "ENOENT") return [];
    throw asStorageError(error, `reading ${parent}`);
  });
  for (const name of names) {
    const [, host, pid] = RUN_FOLDER.exec(name) ?? [];
    if (host === undefined || !hasEnded({ host, pid: Number(pid) })) continue;
    await removeTree(join(parent, name)).catch(() => {});
  }
}
