import { parseLocation, updateIndex } from "@spkoci/core";
import type { GlobalFlags, UpdateIndexFlags } from "../flags.js";
import { createRegistryAccess } from "../registry-access.js";
import { formatUpdatedIndex } from "../render/updated-index.js";
import type { World } from "../world.js";
import { readCommandSettings } from "./read-command-settings.js";
import { runJob } from "./run-job.js";

/** Makes the index of a cache right. Tags that lead to no package are told, and are no failure. */
export async function runUpdateIndex(
  source: string,
  flags: UpdateIndexFlags & GlobalFlags,
  world: World,
): Promise<number> {
  return runJob(flags, world, async ({ op, finish }) => {
    const location = parseLocation(source);
    const settings = await readCommandSettings(flags, world, op);
    const registry = location.kind === "registry" ? location.repository.registry : undefined;
    const access = await createRegistryAccess(settings, registry, world);
    const { full, dryRun } = flags;
    const result = await updateIndex({ source, access, full, dryRun, jobs: settings.jobs }, op);
    finish(result, (colors) => formatUpdatedIndex(result, colors));
    return 0;
  });
}
