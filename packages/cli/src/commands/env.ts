import { formatEnvironment, mergeModifications, readEnvironment } from "@spkoci/core";
import { chooseShell } from "../choose-shell.js";
import type { EnvFlags, GlobalFlags } from "../flags.js";
import { chooseInstallRoot } from "../install-root.js";
import { createLineReporter, type World } from "../world.js";
import { printResult } from "./print-result.js";
import { readCommandSettings } from "./read-command-settings.js";
import { joinSpecWords } from "./spec-words.js";

/** Prints the run environment of installed packages. */
export async function runEnv(specs: readonly string[], flags: EnvFlags & GlobalFlags, world: World): Promise<number> {
  const { emit } = createLineReporter(world, flags);
  const root = chooseInstallRoot(await readCommandSettings(flags, world, { emit }), world);
  const modifications = await readEnvironment({ root, specs: joinSpecWords(specs) }, { emit });
  const document = { root, variables: mergeModifications(modifications) };
  printResult(document, () => formatEnvironment(modifications, chooseShell(flags, world)), flags, world);
  return 0;
}
