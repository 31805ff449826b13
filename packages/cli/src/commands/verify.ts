import { verify } from "@spkoci/core";
import type { GlobalFlags, VerifyFlags } from "../flags.js";
import { chooseInstallRoot } from "../install-root.js";
import { formatVerified } from "../render/verified.js";
import type { World } from "../world.js";
import { readCommandSettings } from "./read-command-settings.js";
import { reportFailures, runJob } from "./run-job.js";
import { joinSpecWords } from "./spec-words.js";

/** Exit code for content that isn't what it should be, as in docs/errors.md. */
const DIFFERENT = 7;

/**
 * Compares installed packages with their install manifests.
 * @returns the exit code: 0, 7 if a package differs, or 10 if it can't be told of some
 */
export async function runVerify(
  specs: readonly string[],
  flags: VerifyFlags & GlobalFlags,
  world: World,
): Promise<number> {
  return runJob(flags, world, async ({ op, finish }) => {
    const root = chooseInstallRoot(await readCommandSettings(flags, world, op), world);
    const result = await verify({ root, specs: joinSpecWords(specs) }, op);
    finish(result, (colors) => formatVerified(result, colors));
    const exitCode = reportFailures(result.packages, flags, world);
    return result.packages.some(({ outcome }) => outcome === "different") ? DIFFERENT : exitCode;
  });
}
