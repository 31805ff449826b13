import { availableParallelism } from "node:os";
import { isAbsolute, resolve } from "node:path";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { startStopwatch } from "../base/stopwatch.js";
import type { InstallOptions } from "./options.js";
import { decideInstall, type ForeseenWork, jobsOf } from "./plan.js";
import type { InstallPlan, InstallResult } from "./result.js";
import { type PackagesInstalled, runInstall } from "./run.js";
import { StageThreads } from "./stage-threads.js";

/**
 * What `install` with these options would do. Reads the sources and the root; writes nothing.
 * @throws SpkociError as `install` does before it fetches anything
 */
export async function planInstall(options: InstallOptions, op: Op = {}): Promise<InstallPlan> {
  const root = cleanRoot(options.root);
  const { steps } = await decideInstall({ ...options, root }, op);
  return {
    root,
    packages: steps.map(({ spec: { name, version, hash }, explicit, located }) => ({
      name,
      version,
      hash,
      action: located ? "install" : "skip",
      image: located?.source.imageAt(located.tag),
      layerSize: located?.layer.size ?? 0,
      explicit,
    })),
  };
}

/**
 * Brings packages with their link and run dependencies from caches into a store, relocated to it. What is installed already stays as it
 * is. Each package appears at its prefix whole or not at all, and the database names only what is there.
 *
 * Failures of single packages are in the result, with outcome `failed`; what doesn't need them is installed.
 * @returns what became of each package, dependencies first
 * @throws SpkociError if nothing can be done at all: INVALID_ARGUMENT, INVALID_REFERENCE, SPEC_NOT_FOUND, AMBIGUOUS_SPEC,
 * PLATFORM_NOT_FOUND, DATABASE_INVALID, DATABASE_VERSION, LOCKED, AUTHENTICATION_REQUIRED, REGISTRY_UNREACHABLE, …; and the reason of
 * `op.signal` when that aborts
 */
export async function install(options: InstallOptions, op: Op = {}): Promise<InstallResult> {
  const elapsed = startStopwatch();
  const root = cleanRoot(options.root);
  const { results, bytesFetched } = await decideAndRun({ ...options, root }, op);
  const count = (outcome: string): number => results.filter((result) => result.outcome === outcome).length;
  return {
    root,
    packages: results,
    totals: {
      installed: count("installed"),
      skipped: count("skipped"),
      failed: count("failed"),
      bytesFetched,
      durationMs: elapsed(),
    },
  };
}

async function decideAndRun(options: InstallOptions, op: Op): Promise<PackagesInstalled> {
  const threads = new StageThreads();
  try {
    const decision = await decideInstall(options, op, (work) => threads.start(threadsFor(work, jobsOf(options))));
    return await runInstall(decision, threads, op);
  } finally {
    threads.end();
  }
}

/** Bytes of layers that are worth the start of threads. */
const WORTH_THREADS = 4 * 1024 * 1024;

function threadsFor({ packages, bytes }: ForeseenWork, jobs: number): number {
  return bytes < WORTH_THREADS ? 0 : Math.min(jobs, availableParallelism(), packages);
}

/** The root without superfluous slashes and dots. */
function cleanRoot(root: string): string {
  if (isAbsolute(root) && !/[\n\r:]/.test(root)) return resolve(root);
  throw new SpkociError("INVALID_ARGUMENT", `${JSON.stringify(root)} can't be the root of a store`, {
    hint: "Name an absolute path without colons and line breaks: it is written into PATH-like variables and run paths.",
  });
}
