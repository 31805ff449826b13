import { cleanCache, readCacheInfo } from "@spkoci/core";
import { chooseCacheDir } from "../cache-dir.js";
import type { CacheAction, CacheFlags, GlobalFlags } from "../flags.js";
import { formatCacheInfo } from "../render/cache-info.js";
import { createLineReporter, type World } from "../world.js";
import { printResult } from "./print-result.js";
import { readCommandSettings } from "./read-command-settings.js";

/** Says what the local cache holds, or removes it. */
export async function runCache(action: CacheAction, flags: CacheFlags & GlobalFlags, world: World): Promise<number> {
  const op = { emit: createLineReporter(world, flags).emit };
  const folder = await chooseCacheDir(await readCommandSettings(flags, world, op), world, op);
  const info = action === "clean" ? await cleanCache(folder) : await readCacheInfo(folder);
  printResult(info, () => formatCacheInfo(info, action), flags, world);
  return 0;
}
