import { type PushResult, planPush, push } from "@spkoci/core";
import type { GlobalFlags, PushFlags } from "../flags.js";
import { interruptible } from "../interrupt.js";
import { formatJsonLine } from "../render/clean-text.js";
import { formatPlan } from "../render/plan.js";
import { formatFailures, formatSummary } from "../render/summary.js";
import { colorsFor, createReporter, type World } from "../world.js";
import { readPushOptions } from "./push-options.js";

/** Exit code of a push after which some packages are missing: SOME_FAILED. */
const SOME_FAILED = 10;

/** @returns the exit code: 0, or 10 if packages failed */
export async function runPush(
  target: string,
  specs: readonly string[],
  flags: PushFlags & GlobalFlags,
  world: World,
): Promise<number> {
  const reporter = await createReporter(world, flags);
  try {
    return await interruptible(
      async (signal) => {
        const op = { signal, emit: reporter.emit };
        const options = await readPushOptions(target, specs, flags, world, op);
        if (flags.dryRun) {
          const plan = await planPush(options, op);
          reporter.close();
          printResult(plan, () => formatPlan(plan, colorsFor(world.stdout, world, flags)), flags, world);
          return plan.packages.some((each) => each.action === "fail") ? SOME_FAILED : 0;
        }
        const result = await push(options, op);
        reporter.close();
        printResult(result, () => formatSummary(result, colorsFor(world.stdout, world, flags)), flags, world);
        return reportFailures(result, flags, world);
      },
      {
        onFirst: () => reporter.say("Stopping; once more to stop at once."),
        onSecond: (exitCode) => {
          reporter.close();
          process.exit(exitCode);
        },
      },
    );
  } finally {
    reporter.close();
  }
}

function printResult(document: object, format: () => string, flags: GlobalFlags, world: World): void {
  if (flags.json) world.stdout.write(`${formatJsonLine(document)}\n`);
  else if (!flags.quiet) world.stdout.write(format());
}

function reportFailures(result: PushResult, flags: GlobalFlags, world: World): number {
  if (result.totals.failed === 0) return 0;
  if (!flags.json) world.stderr.write(formatFailures(result, colorsFor(world.stderr, world, flags)));
  return SOME_FAILED;
}
