import { isAbsolute, join } from "node:path";
import type { Environment } from "./config/config-files.js";

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
  const xdg = env.XDG_CACHE_HOME ?? "";
  const folder = join(isAbsolute(xdg) ? xdg : join(home, ".cache"), "spkoci");
  return { folder: (await isInMemory(folder)) ? `/var/tmp/spkoci-${uid}` : folder };
}
