import { constants } from "node:fs";
import { access, lstat, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isMemoryFileSystem, type Op, SpkociError } from "@spkoci/core";
import type { Settings } from "./config/settings.js";
import { type Environment, xdgFolder } from "./config/xdg-folder.js";
import type { World } from "./world.js";

export interface CacheDirOptions {
  /** What the user chose. */
  readonly chosen?: string | undefined;
  readonly env: Environment;
  readonly home: string;
  /** User id, for a folder that all users share. */
  readonly uid: number;
  readonly isInMemory: (folder: string) => Promise<boolean>;
  /** Whether it can be written to, or made. */
  readonly isWritable: (folder: string) => Promise<boolean>;
}

const HINT = "Choose a folder with --cache-dir.";

export interface CacheDir {
  readonly folder: string;
  /** True below a folder that all users share, where somebody else may have been first. */
  readonly isShared?: boolean;
  /** Something the user should know about the choice. */
  readonly warning?: { readonly message: string; readonly hint: string };
}

/**
 * The cache folder: the chosen one, else the XDG one unless that can't be written to, or is in memory: layers may be larger than memory.
 */
export async function findCacheDir(options: CacheDirOptions): Promise<CacheDir> {
  const { chosen, env, home, uid, isInMemory, isWritable } = options;
  if (chosen !== undefined) {
    if (!(await isWritable(chosen)) || !(await isInMemory(chosen))) return { folder: chosen };
    const message = `the cache folder ${chosen} lies in memory, which layers may fill up`;
    return { folder: chosen, warning: { message, hint: "Choose a folder on a disk with --cache-dir." } };
  }
  const folder = xdgFolder("XDG_CACHE_HOME", env, home);
  const shared = { folder: `/var/tmp/spkoci-${uid}`, isShared: true };
  if (!(await isWritable(folder))) {
    const message = `the cache folder ${folder} can't be written to: ${shared.folder} is used in its place`;
    return { ...shared, warning: { message, hint: HINT } };
  }
  return (await isInMemory(folder)) ? shared : { folder };
}

/**
 * The cache folder by the settings and the machine. What is odd about it is told as a warning.
 * @throws SpkociError STORAGE_FAILED if it had to be one that all could make, and somebody else has, or can write to it
 */
export async function chooseCacheDir(settings: Settings, world: World, op: Op): Promise<string> {
  const { env, home } = world;
  const uid = process.getuid?.() ?? 0;
  const chosen = settings["cache-dir"];
  const found = await findCacheDir({ chosen, env, home, uid, isInMemory: isMemoryFileSystem, isWritable });
  const { folder, isShared, warning } = found;
  if (warning) op.emit?.({ type: "warning", ...warning });
  if (isShared) await takeFolder(folder, uid);
  return folder;
}

/** Where a cache would be, for a run that uses none: nothing is looked at. */
export function nameCacheDir(settings: Settings, { env, home }: World): string {
  return settings["cache-dir"] ?? xdgFolder("XDG_CACHE_HOME", env, home);
}

/**
 * Makes sure that a folder under a name that others can guess is this user's alone.
 * @throws SpkociError STORAGE_FAILED
 */
export async function takeFolder(folder: string, uid: number): Promise<void> {
  // One that can't be made is told of by whoever writes to it.
  await mkdir(folder, { mode: 0o700 }).catch(() => {});
  const stats = await lstat(folder).catch(() => undefined);
  if (stats === undefined || (stats.isDirectory() && stats.uid === uid && (stats.mode & 0o022) === 0)) return;
  throw new SpkociError("STORAGE_FAILED", `${folder} is no folder of this user alone`, { hint: HINT });
}

/** Looks at the folder, or the nearest one above it that exists. */
async function isWritable(folder: string): Promise<boolean> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    try {
      if (!(await stat(path)).isDirectory()) return false;
      await access(path, constants.W_OK | constants.X_OK);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || dirname(path) === path) return false;
    }
  }
}
