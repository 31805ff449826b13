import { planUninstall, uninstall } from "@spkoci/core";
import type { GlobalFlags, UninstallFlags } from "../flags.js";
import { chooseInstallRoot } from "../install-root.js";
import { formatRemovals } from "../render/removals.js";
import { programEnvironment, type World } from "../world.js";
import { readCommandSettings } from "./read-command-settings.js";
import { runJob } from "./run-job.js";
import { joinSpecWords } from "./spec-words.js";

/** Removes packages from a store, or says which would be removed. */
export async function runUninstall(
  specs: readonly string[],
  flags: UninstallFlags & GlobalFlags,
  world: World,
): Promise<number> {
  const isDry = flags.dryRun ?? false;
  return runJob(flags, world, async ({ op, finish }) => {
    const root = chooseInstallRoot(await readCommandSettings(flags, world, op), world);
    const options = { root, specs: joinSpecWords(specs), dependents: flags.dependents, env: programEnvironment(world) };
    const result = isDry ? await planUninstall(options, op) : await uninstall(options, op);
    finish(result, (colors) => formatRemovals(result, isDry, colors));
    return 0;
  });
}
