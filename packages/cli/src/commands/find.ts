import { stat } from "node:fs/promises";
import { join } from "node:path";
import { comparePackages, findSpecs, type InstallStore, readInstallStore, SpkociError } from "@spkoci/core";
import type { FindFlags, GlobalFlags } from "../flags.js";
import { chooseInstallRoot } from "../install-root.js";
import { findDocument, formatInstalled } from "../render/installed.js";
import { createLineReporter, screenFor, type World } from "../world.js";
import { readFoundStyle } from "./found-style.js";
import { printResult } from "./print-result.js";
import { readCommandSettings } from "./read-command-settings.js";
import { joinSpecWords } from "./spec-words.js";

/** Lists what is installed in a store. */
export async function runFind(specs: readonly string[], flags: FindFlags & GlobalFlags, world: World): Promise<number> {
  const { emit } = createLineReporter(world, flags);
  const style = readFoundStyle(flags, "not installed");
  const settings = await readCommandSettings(flags, world, { emit });
  const store = await readStore(chooseInstallRoot(settings, world));
  const records = findSpecs(store, joinSpecWords(specs)).toSorted((a, b) => comparePackages(a.spec, b.spec));
  const format = (colors: Parameters<typeof screenFor>[1]): string =>
    formatInstalled(store, records, style, screenFor(world, colors));
  printResult(() => findDocument(store, records), format, flags, world);
  return 0;
}

async function readStore(root: string): Promise<InstallStore> {
  const database = await stat(join(root, ".spack-db")).catch(() => undefined);
  if (database !== undefined) return readInstallStore({ root });
  throw new SpkociError("STORE_NOT_FOUND", `nothing is installed in ${root}: it is no Spack store`, {
    hint: "`spkoci install` makes a store. --root DIR (root, SPKOCI_ROOT) names another one: the folder with .spack-db.",
  });
}
