import type { Emit, Op } from "@spkoci/core";
import type { GlobalFlags } from "../flags.js";
import { interruptible } from "../interrupt.js";
import type { Colors } from "../render/colors.js";
import { formatFailures, type PackageOutcome } from "../render/outcomes.js";
import { colorsFor, createReporter, type World } from "../world.js";
import { printResult } from "./print-result.js";

/** Exit code of a job after which some packages are missing: SOME_FAILED. */
export const SOME_FAILED = 10;

/** A long job under way. */
interface Job {
  /** Stops the job on SIGINT and SIGTERM, and shows its events. */
  readonly op: Required<Op>;
  /** Ends the progress and prints the result: `document`, or what it makes, with `--json`, nothing with `--quiet`, else what `format` makes of it. */
  finish(document: object | (() => object), format: (colors: Colors) => string): void;
  /** Takes the progress off the screen while a task has the terminal. */
  interject<T>(task: () => Promise<T>): Promise<T>;
}

/** Runs a job with progress on standard error, which a signal stops and a second one ends at once. */
export async function runJob(flags: GlobalFlags, world: World, task: (job: Job) => Promise<number>): Promise<number> {
  let reporter = await createReporter(world, flags);
  const emit: Emit = (event) => reporter.emit(event);
  const interject = async <T>(interlude: () => Promise<T>): Promise<T> => {
    reporter.close();
    const result = await interlude();
    reporter = await createReporter(world, flags);
    return result;
  };
  const finish = (document: object | (() => object), format: (colors: Colors) => string): void => {
    reporter.close();
    printResult(document, format, flags, world);
  };
  try {
    return await interruptible((signal) => task({ op: { signal, emit }, finish, interject }), {
      onFirst: () => reporter.say("Stopping; once more to stop at once."),
      onSecond: (exitCode) => {
        reporter.close();
        process.exit(exitCode);
      },
    });
  } finally {
    reporter.close();
  }
}

/**
 * Prints the packages that failed on standard error; with `--json` they are in the result.
 * @returns the exit code: 0, or 10 if packages failed
 */
export function reportFailures(packages: readonly PackageOutcome[], flags: GlobalFlags, world: World): number {
  const failures = formatFailures(packages, colorsFor(world.stderr, world, flags));
  if (!flags.json) world.stderr.write(failures);
  return failures === "" ? 0 : SOME_FAILED;
}
