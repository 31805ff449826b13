import {
  applyEnvironment,
  install,
  type Op,
  readEnvironment,
  readInstallStore,
  SpkociError,
  selectSpecs,
} from "@spkoci/core";
import type { GlobalFlags, RunFlags } from "../flags.js";
import { chooseInstallRoot } from "../install-root.js";
import { runProgram } from "../run-program.js";
import { createLineReporter, programEnvironment, type World } from "../world.js";
import { readInstallOptions } from "./install-options.js";
import { readCommandSettings } from "./read-command-settings.js";
import { reportFailures, runJob } from "./run-job.js";
import { joinSpecWords } from "./spec-words.js";

/**
 * Runs a command in the run environment of packages; with `--from` those that aren't installed are installed first.
 * @returns the command's exit code, or 10 if packages failed
 */
export async function runRun(
  words: readonly string[],
  command: readonly string[],
  flags: RunFlags & GlobalFlags,
  world: World,
): Promise<number> {
  const specs = joinSpecWords(words);
  if (specs.length === 0 || command.length === 0) {
    throw new SpkociError("INVALID_ARGUMENT", `run lacks ${specs.length === 0 ? "packages" : "a command"}`, {
      hint: "Write the packages, then -- and the command: spkoci run python -- python3 --version",
    });
  }
  const { emit } = createLineReporter(world, flags);
  const root = chooseInstallRoot(await readCommandSettings(flags, world, { emit }), world);
  const failed = await installMissing(root, specs, flags, world);
  if (failed !== 0) return failed;
  const modifications = await readEnvironment({ root, specs }, { emit });
  return runProgram(command, applyEnvironment(modifications, programEnvironment(world)), world.stdin.isTTY === true);
}

/** @returns 0, or 10 if packages failed */
async function installMissing(
  root: string,
  specs: readonly string[],
  flags: RunFlags & GlobalFlags,
  world: World,
): Promise<number> {
  const [source, ...from] = flags.from ?? [];
  if (source === undefined) return 0;
  return runJob(flags, world, async ({ op }) => {
    const missing = await findMissing(root, specs, op);
    if (missing.length === 0) return 0;
    const options = await readInstallOptions(source, missing, { ...flags, from }, world, op);
    const { packages } = await install(options, op);
    return reportFailures(packages, flags, world);
  });
}

/** Those of `specs` that no installed package matches. */
async function findMissing(root: string, specs: readonly string[], op: Op): Promise<string[]> {
  const missing: string[] = [];
  for (const spec of specs) {
    try {
      await selectSpecs(await readInstallStore({ root }, op), { specs: [spec] }, op);
    } catch (error) {
      if (!isAbsence(error)) throw error;
      missing.push(spec);
    }
  }
  return missing;
}

function isAbsence(error: unknown): boolean {
  return error instanceof SpkociError && (error.code === "SPEC_NOT_FOUND" || error.code === "STORE_NOT_FOUND");
}
