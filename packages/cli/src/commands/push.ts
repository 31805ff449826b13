import { planPush, push } from "@spkoci/core";
import type { GlobalFlags, PushFlags } from "../flags.js";
import { formatPushPlan } from "../render/push-plan.js";
import { formatPushSummary } from "../render/push-summary.js";
import type { World } from "../world.js";
import { setEngineOptions } from "./engine-options.js";
import { readPushOptions } from "./push-options.js";
import { reportFailures, runJob, SOME_FAILED } from "./run-job.js";

/**
 * How far V8 lets its heap grow before it collects, percent of what is alive: what a push makes is of short life, and thousands of
 * packages take a quarter more memory without this, in the same time.
 */
const HEAP_GROWTH = 100;

/** @returns the exit code: 0, or 10 if packages failed */
export async function runPush(
  target: string,
  specs: readonly string[],
  flags: PushFlags & GlobalFlags,
  world: World,
): Promise<number> {
  setEngineOptions({ heapGrowth: HEAP_GROWTH });
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
