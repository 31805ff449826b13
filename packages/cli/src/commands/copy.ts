import { type CopyOptions, copy, type Op, parseLocation, planCopy, SpkociError } from "@spkoci/core";
import type { CopyFlags, GlobalFlags } from "../flags.js";
import { createRegistryAccess } from "../registry-access.js";
import { formatCopyPlan } from "../render/copy-plan.js";
import { formatCopySummary } from "../render/copy-summary.js";
import type { World } from "../world.js";
import { readCommandSettings } from "./read-command-settings.js";
import { reportFailures, runJob } from "./run-job.js";
import { joinSpecWords } from "./spec-words.js";

/** @returns the exit code: 0, or 10 if packages or images failed */
export async function runCopy(
  source: string,
  target: string,
  queries: readonly string[],
  flags: CopyFlags & GlobalFlags,
  world: World,
): Promise<number> {
  return runJob(flags, world, async ({ op, finish }) => {
    const options = await readCopyOptions(source, target, queries, flags, world, op);
    if (flags.dryRun) {
      const plan = await planCopy(options, op);
      finish(plan, (colors) => formatCopyPlan(plan, colors));
      return 0;
    }
    const result = await copy(options, op);
    finish(result, (colors) => formatCopySummary(result, colors));
    const images = result.images.map((image) => ({ name: image.tag, version: "", hash: "", ...image }));
    return reportFailures([...result.packages, ...images], flags, world);
  });
}

async function readCopyOptions(
  source: string,
  target: string,
  queries: readonly string[],
  flags: CopyFlags & GlobalFlags,
  world: World,
  op: Op,
): Promise<CopyOptions> {
  const places = namedPlaces(source, target, flags.tar);
  const settings = await readCommandSettings(flags, world, op);
  // Variables with a name and a password are for the registry that is written to.
  const registries = [places.target, places.source].map(parseLocation).flatMap((location) => {
    return location.kind === "registry" ? [location.repository.registry] : [];
  });
  return {
    ...places,
    queries: joinSpecWords(queries),
    noDeps: flags.deps === false,
    tags: flags.tag,
    allTags: flags.allTags,
    updateIndex: settings["update-index"],
    access: await createRegistryAccess(settings, registries[0], world),
    jobs: settings.jobs,
  };
}

/** The file of `--tar` stands for the one place that is `-`. */
function namedPlaces(source: string, target: string, tar: string | undefined): Pick<CopyOptions, "source" | "target"> {
  const blanks = [source, target].filter((place) => place === "-").length;
  if (tar === undefined && blanks === 0) return { source, target };
  if (tar === undefined || blanks !== 1) {
    throw new SpkociError("INVALID_ARGUMENT", "--tar FILE stands where SOURCE or TARGET is -, and only there", {
      hint: "Write spkoci copy --tar FILE SOURCE -, or spkoci copy --tar FILE - TARGET; or name the file as oci-archive:FILE.",
    });
  }
  const file = `oci-archive:${tar}`;
  return source === "-" ? { source: file, target } : { source, target: file };
}
