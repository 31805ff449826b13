import { locateStore, type Op, type PushOptions, parseLocation, parsePlatform, SpkociError } from "@spkoci/core";
import { chooseCacheDir } from "../cache-dir.js";
import type { Settings } from "../config/settings.js";
import type { GlobalFlags, PushFlags } from "../flags.js";
import { createRegistryAccess } from "../registry-access.js";
import { programEnvironment, type World } from "../world.js";
import { readCommandSettings } from "./read-command-settings.js";
import { joinSpecWords } from "./spec-words.js";

/**
 * Core's options for a push from the command line, the variables and the configuration files.
 * @throws SpkociError INVALID_ARGUMENT, INVALID_REFERENCE, INVALID_CONFIG, UNKNOWN_PLATFORM, STORE_NOT_FOUND, SPACK_FAILED
 */
export async function readPushOptions(
  target: string,
  specs: readonly string[],
  flags: PushFlags & GlobalFlags,
  world: World,
  op: Op,
): Promise<PushOptions> {
  const location = parseLocation(target);
  checkChoice(specs, flags);
  const settings = await readCommandSettings(flags, world, op);
  const platform = settings.platform === undefined ? undefined : parsePlatform(settings.platform);
  const sourceDateEpoch = parseSourceDateEpoch(world.env.SOURCE_DATE_EPOCH);
  const registry = location.kind === "registry" ? location.repository.registry : undefined;
  const access = await createRegistryAccess(settings, registry, world);
  const store = await locateStore(
    { store: settings.store, sysroot: settings.sysroot, env: programEnvironment(world) },
    op,
  );
  return {
    store: store.root,
    sysroot: settings.sysroot,
    upstreams: settings.upstream ?? store.upstreams,
    specs: joinSpecWords(specs),
    all: flags.all,
    environments: flags.environment,
    only: flags.only as PushOptions["only"],
    withBuildDependencies: flags.withBuildDependencies,
    target,
    access,
    tag: flags.tag,
    baseImage: settings["base-image"],
    platform,
    image: imageSettings(settings),
    runEnv: settings["run-env"],
    env: programEnvironment(world),
    compression: settings.compression,
    compressionLevel: settings["compression-level"],
    cacheDir: await chooseCacheDir(settings, world, op),
    verifyCache: settings["verify-cache"],
    jobs: settings.jobs,
    force: flags.force,
    failFast: flags.failFast,
    updateIndex: settings["update-index"],
    sourceDateEpoch,
  };
}

function checkChoice(specs: readonly string[], flags: PushFlags): void {
  if (specs.length === 0 && !flags.all && (flags.environment ?? []).length === 0) {
    throw new SpkociError("INVALID_ARGUMENT", "no package is named", {
      hint: "Write spkoci push TARGET SPEC..., or say --all or --environment DIR.",
    });
  }
  if (flags.only !== undefined && flags.only !== "package" && flags.only !== "dependencies") {
    throw new SpkociError(
      "INVALID_ARGUMENT",
      `--only: must be package or dependencies, not ${JSON.stringify(flags.only)}`,
      {
        hint: "Leave it out to push the packages and their dependencies.",
      },
    );
  }
}

function imageSettings(settings: Settings): PushOptions["image"] {
  const { entrypoint, cmd, user, workdir, source } = settings;
  return { env: settings["set-env"], entrypoint, cmd, user, workdir, labels: settings.label, source };
}

/** @throws SpkociError INVALID_CONFIG unless it is absent, empty or seconds since 1970 */
function parseSourceDateEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new SpkociError("INVALID_CONFIG", `SOURCE_DATE_EPOCH: ${JSON.stringify(text)} is not a number of seconds`, {
    hint: "It is a time as whole seconds since 1970; unset it to leave times out.",
  });
}
