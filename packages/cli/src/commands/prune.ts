import { resolve } from "node:path";
import {
  type Op,
  type PruneOptions,
  type PrunePlan,
  type PruneResult,
  parseLocation,
  planPrune,
  prune,
  SpkociError,
} from "@spkoci/core";
import type { GlobalFlags, PruneFlags } from "../flags.js";
import { parseAge } from "../parse-age.js";
import { askLine } from "../prompt.js";
import { createRegistryAccess } from "../registry-access.js";
import type { PackageOutcome } from "../render/outcomes.js";
import { formatPrunePlan } from "../render/prune-plan.js";
import { formatPruneSummary } from "../render/prune-summary.js";
import { colorsFor, type World } from "../world.js";
import { readCommandSettings } from "./read-command-settings.js";
import { reportFailures, runJob } from "./run-job.js";

/** @returns the exit code: 0, or 10 if some images couldn't be removed */
export async function runPrune(target: string, flags: PruneFlags & GlobalFlags, world: World): Promise<number> {
  if (!flags.dryRun && !flags.yes) requireTerminal(flags, world);
  return runJob(flags, world, async ({ op, finish, interject }) => {
    const options = await readPruneOptions(target, flags, world, op);
    if (flags.dryRun) {
      const plan = await planPrune(options, op);
      finish(plan, (colors) => formatPrunePlan(plan, colors, true));
      return 0;
    }
    let isAsked = false;
    const confirm = (plan: PrunePlan): Promise<boolean> => {
      isAsked = true;
      return interject(() => showAndAsk(plan, flags, world));
    };
    const result = await prune({ ...options, confirm }, op);
    // Where nothing is to be removed nobody is asked.
    finish(result, (colors) => (isAsked ? formatPruneSummary(result, colors) : formatPrunePlan(result, colors, false)));
    return reportFailures(outcomesOf(result), flags, world);
  });
}

/** The plan is seen by whoever says yes to it. */
function requireTerminal({ json, quiet }: GlobalFlags, { stdin }: World): void {
  if (stdin.isTTY === true && !json && !quiet) return;
  const why = json || quiet ? "nobody would see the plan" : "there is no terminal to ask on";
  throw new SpkociError("INVALID_ARGUMENT", `${why}, so --yes must say that packages may be removed`, {
    hint: "Have a look with --dry-run first.",
  });
}

async function readPruneOptions(
  target: string,
  flags: PruneFlags & GlobalFlags,
  world: World,
  op: Op,
): Promise<PruneOptions> {
  const location = parseLocation(target);
  const registry = location.kind === "registry" ? location.repository.registry : undefined;
  const settings = await readCommandSettings(flags, world, op);
  return {
    target,
    access: await createRegistryAccess(settings, registry, world),
    keep: flags.keep,
    keepEnvironments: flags.keepEnv?.map((path) => resolve(world.cwd, path)),
    keepTags: flags.keepTag,
    newerThanMs: flags.newerThan === undefined ? undefined : parseAge(flags.newerThan, "--newer-than"),
    graceMs: flags.grace === undefined ? undefined : parseAge(flags.grace, "--grace"),
    withBuildDependencies: flags.withBuildDependencies,
    allTags: flags.allTags,
    jobs: settings.jobs,
    gitHub: { apiUrl: flags.githubApi, token: world.env.GITHUB_TOKEN || world.env.GH_TOKEN },
  };
}

async function showAndAsk(plan: PrunePlan, flags: PruneFlags & GlobalFlags, world: World): Promise<boolean> {
  const { stdout } = world;
  if (!flags.json && !flags.quiet) stdout.write(formatPrunePlan(plan, colorsFor(stdout, world, flags), false));
  if (flags.yes) return true;
  return /^y(?:es)?$/i.test((await askLine("Remove them? [y/N] ", world)).trim());
}

function outcomesOf({ images }: PruneResult): PackageOutcome[] {
  return images.map(({ digest, tags, package: one, outcome, error }) => {
    const { name = tags[0] ?? digest, version = "", hash = "" } = one ?? {};
    return { name, version, hash, outcome, ...(error && { error }) };
  });
}
