import { planPush, push } from "@spkoci/core";
import type { GlobalFlags, PushFlags } from "../flags.js";
import { formatPushPlan } from "../render/push-plan.js";
import { formatPushSummary } from "../render/push-summary.js";
import type { World } from "../world.js";
import { readPushOptions } from "./push-options.js";
import { reportFailures, runJob, SOME_FAILED } from "./run-job.js";

/** @returns the exit code: 0, or 10 if packages failed */
export async function runPush(
  target: string,
  specs: readonly string[],
  flags: PushFlags & GlobalFlags,
  world: World,
): Promise<number> {
  return runJob(flags, world, async ({ op, finish }) => {
    const options = await readPushOptions(target, specs, flags, world, op);
    if (flags.dryRun) {
      const plan = await planPush(options, op);
      finish(plan, (colors) => formatPushPlan(plan, colors));
      return plan.packages.some((each) => each.action === "fail") ? SOME_FAILED : 0;
    }
    const result = await push(options, op);
    finish(result, (colors) => formatPushSummary(result, colors));
    return reportFailures(result.packages, flags, world);
  });
}
