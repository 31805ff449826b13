import { type InstallOptions, type Op, parseLocation } from "@spkoci/core";
import { chooseCacheDir, nameCacheDir } from "../cache-dir.js";
import type { GlobalFlags, InstallFlags } from "../flags.js";
import { chooseInstallRoot } from "../install-root.js";
import { createRegistryAccess } from "../registry-access.js";
import { programEnvironment, type World } from "../world.js";
import { readCommandSettings } from "./read-command-settings.js";
import { joinSpecWords } from "./spec-words.js";

/**
 * Core's options for an install from the command line, the variables and the configuration files.
 * @throws SpkociError INVALID_ARGUMENT, INVALID_REFERENCE, INVALID_CONFIG
 */
export async function readInstallOptions(
  source: string,
  specs: readonly string[],
  flags: InstallFlags & GlobalFlags,
  world: World,
  op: Op,
): Promise<InstallOptions> {
  const sources = [source, ...(flags.from ?? [])];
  const locations = sources.map(parseLocation);
  const registries = locations.flatMap((each) => (each.kind === "registry" ? [each.repository.registry] : []));
  const settings = await readCommandSettings(flags, world, op);
  const noCache = flags.cache === false;
  return {
    sources,
    specs: joinSpecWords(specs),
    root: chooseInstallRoot(settings, world),
    access: await createRegistryAccess(settings, registries[0], world),
    cacheDir: noCache ? nameCacheDir(settings, world) : await chooseCacheDir(settings, world, op),
    noCache,
    noDeps: flags.deps === false,
    force: flags.force,
    aliasDir: settings["alias-dir"],
    allowUnrelocatable: flags.allowUnrelocatable,
    env: programEnvironment(world),
    jobs: settings.jobs,
  };
}
