import { stat } from "node:fs/promises";
import { join } from "node:path";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { type CacheSource, openSources } from "../catalog/cache-source.js";
import { type LocatedPackage, locateAll } from "../catalog/locate-package.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { DATABASE_PATH } from "../spack/database.js";
import { readHost } from "../spack/host.js";
import { type InstallRecord, readInstallStore } from "../spack/install-store.js";
import { dependenciesFirst, edgesOfKind } from "../spack/traverse.js";
import { findAliasFolder } from "./alias-folder.js";
import { warnOfShortRoom } from "./foresee.js";
import type { InstallOptions } from "./options.js";
import { resolveSpecs } from "./resolve.js";

/** A package and what becomes of it. */
export interface InstallStep {
  readonly spec: ConcreteSpec;
  readonly explicit: boolean;
  /** Absent for a package that is installed already. */
  readonly located?: LocatedPackage | undefined;
  /** The record in the store, of a package that is installed already. */
  readonly record?: InstallRecord | undefined;
}

export interface InstallDecision {
  readonly options: InstallOptions;
  /** Dependencies first. */
  readonly steps: readonly InstallStep[];
}

/** What is known of an install while it is decided on. */
export interface ForeseenWork {
  /** How many are to be fetched and unpacked. */
  readonly packages: number;
  /** Bytes of their layers, of those that were found yet. */
  readonly bytes: number;
}

const DEFAULT_JOBS = 4;

export function jobsOf(options: InstallOptions): number {
  return options.jobs ?? DEFAULT_JOBS;
}

/**
 * Finds out what is to be installed and from where. Writes nothing.
 * @param foresee is told as early as possible, and again at the end
 */
export async function decideInstall(
  options: InstallOptions,
  op: Op,
  foresee: (work: ForeseenWork) => void = () => {},
): Promise<InstallDecision> {
  if (options.specs.length === 0) {
    throw new SpkociError("INVALID_ARGUMENT", "no packages are named", {
      hint: "Name packages, such as zlib or /abcdefg.",
    });
  }
  const sources = await openSources(options.sources, options.access ?? {});
  op.emit?.({ type: "step", step: "resolve", message: `looking for ${options.specs.join(" ")}` });
  const chosen = await resolveSpecs(sources, options.specs, await readHost(), op);
  const roots = await locateAll(sources, chosen, jobsOf(options), op);
  const wanted = options.noDeps ? roots.map(({ spec }) => spec.root) : closureOf(roots);
  const installed = await readInstalled(options.root, op);
  const explicit = new Set(chosen.map(({ hash }) => hash));
  const kept = (spec: ConcreteSpec): boolean => installed.has(spec.hash) && !(options.force && explicit.has(spec.hash));
  if (options.noDeps) checkDependencies(roots, installed);
  const missing = wanted.filter((spec) => !kept(spec));
  foresee(workOf(missing, new Map(roots.map((root) => [root.spec.root.hash, root]))));
  const located = await locateMissing(sources, roots, missing, options, op);
  foresee(workOf(missing, located));
  const steps = wanted.map((spec) => ({
    spec,
    explicit: explicit.has(spec.hash),
    located: kept(spec) ? undefined : located.get(spec.hash),
    record: installed.get(spec.hash),
  }));
  if (!options.allowUnrelocatable) {
    const aliasFolder = await findAliasFolder(options.root, options.aliasDir);
    warnOfShortRoom(
      steps.flatMap((step) => step.located ?? []),
      options.root,
      aliasFolder,
      op,
    );
  }
  return { options, steps };
}

function workOf(missing: readonly ConcreteSpec[], located: ReadonlyMap<string, LocatedPackage>): ForeseenWork {
  const bytes = missing.reduce((sum, { hash }) => sum + (located.get(hash)?.layer.size ?? 0), 0);
  return { packages: missing.length, bytes };
}

/** Everything that the roots need to run: link and run dependencies without external ones, each before what needs it. */
function closureOf(roots: readonly LocatedPackage[]): ConcreteSpec[] {
  const closure = new Map<string, ConcreteSpec>();
  for (const { spec } of roots) {
    const resolve = (hash: string): ConcreteSpec => {
      const node = spec.nodes.get(hash);
      if (node === undefined)
        throw new SpkociError("SPEC_INVALID", `${spec.root.name} depends on /${hash}, which its spec lacks`);
      return node;
    };
    for (const node of dependenciesFirst([spec.root], resolve, edgesOfKind("link", "run"))) {
      if (node.external === undefined && !closure.has(node.hash)) closure.set(node.hash, node);
    }
  }
  return [...closure.values()];
}

async function locateMissing(
  sources: readonly CacheSource[],
  roots: readonly LocatedPackage[],
  wanted: readonly ConcreteSpec[],
  options: InstallOptions,
  op: Op,
): Promise<Map<string, LocatedPackage>> {
  const known = new Map(roots.map((root) => [root.spec.root.hash, root]));
  const others = wanted.filter(({ hash }) => !known.has(hash));
  for (const located of await locateAll(sources, others, jobsOf(options), op))
    known.set(located.spec.root.hash, located);
  return known;
}

/** What the store has, by DAG hash: records whose prefix is there. */
async function readInstalled(root: string, op: Op): Promise<Map<string, InstallRecord>> {
  const installed = new Map<string, InstallRecord>();
  if (!(await exists(join(root, DATABASE_PATH)))) return installed;
  const { records } = await readInstallStore({ root }, op);
  for (const [hash, record] of records) {
    if (record.installed && !record.external && (await exists(record.path))) installed.set(hash, record);
  }
  return installed;
}

function checkDependencies(roots: readonly LocatedPackage[], installed: ReadonlyMap<string, InstallRecord>): void {
  const chosen = new Set(roots.map(({ spec }) => spec.root.hash));
  const missing = closureOf(roots).filter(({ hash }) => !chosen.has(hash) && !installed.has(hash));
  if (missing.length === 0) return;
  throw new SpkociError("SPEC_NOT_FOUND", `not installed, but needed: ${missing.map(({ name }) => name).join(", ")}`, {
    hint: "Install without --no-deps.",
  });
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
