import { isMemoryFileSystem, type Op } from "@spkoci/core";
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
}

export interface CacheDir {
  readonly folder: string;
  /** Something the user should know about the choice. */
  readonly warning?: { readonly message: string; readonly hint: string };
}

/** The cache folder: the chosen one, else the XDG one unless that is in memory: layers may be larger than memory. */
export async function findCacheDir(options: CacheDirOptions): Promise<CacheDir> {
  const { chosen, env, home, uid, isInMemory } = options;
  if (chosen !== undefined) {
    if (!(await isInMemory(chosen))) return { folder: chosen };
    const message = `the cache folder ${chosen} lies in memory, which layers may fill up`;
    return { folder: chosen, warning: { message, hint: "Choose a folder on a disk with --cache-dir." } };
  }
  const folder = xdgFolder("XDG_CACHE_HOME", env, home);
  return { folder: (await isInMemory(folder)) ? `/var/tmp/spkoci-${uid}` : folder };
}

/** The cache folder by the settings and the machine. What is odd about it is told as a warning. */
export async function chooseCacheDir(settings: Settings, world: World, op: Op): Promise<string> {
  const { env, home } = world;
  const uid = process.getuid?.() ?? 0;
  const chosen = settings["cache-dir"];
  const { folder, warning } = await findCacheDir({ chosen, env, home, uid, isInMemory: isMemoryFileSystem });
  if (warning) op.emit?.({ type: "warning", ...warning });
  return folder;
}
