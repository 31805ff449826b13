import { updateIndex } from "@spkoci/core";
import type { GlobalFlags, UpdateIndexFlags } from "../flags.js";
import { formatUpdatedIndex } from "../render/updated-index.js";
import type { World } from "../world.js";
import { readCacheSettings } from "./cache-access.js";
import { runJob } from "./run-job.js";

/** Makes the index of a cache right. Tags that lead to no package are told, and are no failure. */
export async function runUpdateIndex(
  source: string,
  flags: UpdateIndexFlags & GlobalFlags,
  world: World,
): Promise<number> {
  return runJob(flags, world, async ({ op, finish }) => {
    const { settings, access } = await readCacheSettings(source, flags, world, op);
    const { full, dryRun } = flags;
    const result = await updateIndex({ source, access, full, dryRun, jobs: settings.jobs }, op);
    finish(result, (colors) => formatUpdatedIndex(result, colors));
    return 0;
  });
}
