import { install, planInstall } from "@spkoci/core";
import type { GlobalFlags, InstallFlags } from "../flags.js";
import { formatInstallPlan } from "../render/install-plan.js";
import { formatInstallSummary } from "../render/install-summary.js";
import type { World } from "../world.js";
import { readInstallOptions } from "./install-options.js";
import { reportFailures, runJob } from "./run-job.js";

/** @returns the exit code: 0, or 10 if packages failed */
export async function runInstall(
  source: string,
  specs: readonly string[],
  flags: InstallFlags & GlobalFlags,
  world: World,
): Promise<number> {
  return runJob(flags, world, async ({ op, finish }) => {
    const options = await readInstallOptions(source, specs, flags, world, op);
    if (flags.dryRun) {
      const plan = await planInstall(options, op);
      finish(plan, (colors) => formatInstallPlan(plan, colors));
      return 0;
    }
    const result = await install(options, op);
    finish(result, (colors) => formatInstallSummary(result, colors));
    return reportFailures(result.packages, flags, world);
  });
}
