import { check } from "@spkoci/core";
import type { CheckFlags, GlobalFlags } from "../flags.js";
import { formatChecked } from "../render/checked.js";
import type { World } from "../world.js";
import { readCacheSettings } from "./cache-access.js";
import { runJob } from "./run-job.js";
import { joinSpecWords } from "./spec-words.js";

/** Exit code for content that isn't what it should be, as in docs/errors.md. */
const WRONG = 7;

/** @returns the exit code: 0, or 7 if something is wrong that was not mended */
export async function runCheck(
  source: string,
  specs: readonly string[],
  flags: CheckFlags & GlobalFlags,
  world: World,
): Promise<number> {
  return runJob(flags, world, async ({ op, finish }) => {
    const { settings, access } = await readCacheSettings(source, flags, world, op);
    const { level, repair } = flags;
    const result = await check({ source, specs: joinSpecWords(specs), level, repair, jobs: settings.jobs, access }, op);
    finish(result, (colors) => formatChecked(result, flags.verbose ?? false, colors));
    return result.totals.errors + result.totals.warnings > 0 ? WRONG : 0;
  });
}
