import type { ConcreteSpec } from "./concrete-spec.js";
import type { Host } from "./host.js";
import type { Libc } from "./libc.js";
import { depthOf, MICROARCHITECTURES } from "./microarchitecture.js";
import { compareVersions } from "./version-order.js";

/** Specs by DAG hash that a spec's edges may lead to. They need not be complete. */
export type KnownSpecs = ReadonlyMap<string, ConcreteSpec>;

export type Fit =
  | {
      readonly ok: true /** Built for this very system, not only for one whose programs run here too. */;
      readonly sameOs: boolean;
    }
  | { readonly ok: false /** Half a sentence: "it is built for …". */; readonly why: string };

/** A package that doesn't run on a machine. */
export interface Unfit {
  readonly spec: ConcreteSpec;
  readonly why: string;
}

export interface Ranking {
  /** What fits best: one, unless several fit equally well. */
  readonly best: readonly ConcreteSpec[];
  /** What runs too, better ones first. */
  readonly others: readonly ConcreteSpec[];
  readonly unfit: readonly Unfit[];
}

/**
 * Whether a package runs on a machine: platform equal; a C library that isn't newer than the machine's; the same system, or at least a
 * C library that is known to do; a target whose programs run there.
 * @param known where the C library among the dependencies is found
 */
export function runsOn(spec: ConcreteSpec, host: Host, known: KnownSpecs = new Map()): Fit {
  const { platform, os, target } = spec.arch;
  if (platform !== host.platform) return unfit(`it is built for ${platform}, and this machine has ${host.platform}`);
  if (!runsTarget(spec, host)) return unfit(`it is built for ${target}, and this machine is ${host.target}`);
  const sameOs = os === host.os;
  const libc = libcOf(spec, known);
  if (libc === "none") return { ok: true, sameOs };
  if (libc === "unknown" || host.libc === undefined) {
    return sameOs ? { ok: true, sameOs } : unfit(`it is built for ${os}, and this machine has ${host.os}`);
  }
  if (libc.name === host.libc.name && compareVersions(libc.version, host.libc.version) <= 0)
    return { ok: true, sameOs };
  const needed = `${libc.name} ${libc.version}`;
  return unfit(`it is built for ${os} with ${needed}, and this machine has ${host.libc.name} ${host.libc.version}`);
}

/** Sorts out what runs on a machine: its own system before others, more specific targets first, then newer versions. */
export function rankForHost(specs: readonly ConcreteSpec[], host: Host, known: KnownSpecs = new Map()): Ranking {
  const fitting: { spec: ConcreteSpec; sameOs: boolean }[] = [];
  const unfit: Unfit[] = [];
  for (const spec of specs) {
    const fit = runsOn(spec, host, known);
    if (fit.ok) fitting.push({ spec, sameOs: fit.sameOs });
    else unfit.push({ spec, why: fit.why });
  }
  const compare = (a: (typeof fitting)[number], b: (typeof fitting)[number]): number =>
    Number(b.sameOs) - Number(a.sameOs) ||
    depthOf(b.spec.arch.target) - depthOf(a.spec.arch.target) ||
    compareVersions(b.spec.version, a.spec.version);
  const sorted = fitting.toSorted(compare);
  const [first] = sorted;
  const best = sorted.filter((one) => first !== undefined && compare(first, one) === 0);
  return { best: best.map(({ spec }) => spec), others: sorted.slice(best.length).map(({ spec }) => spec), unfit };
}

/**
 * The C library that a package was built with: the newest that it or what it links or runs with depends on. "none" for a package of
 * Spack 1.x that needs no compiled code; before that, packages didn't always say.
 */
export function libcOf(spec: ConcreteSpec, known: KnownSpecs): Libc | "none" | "unknown" {
  const seen = new Set([spec]);
  let newest: Libc | undefined;
  let isComplete = spec.originalSpecfileVersion >= 5;
  for (const one of seen) {
    for (const { hash, deptypes } of one.dependencies) {
      if (!deptypes.includes("link") && !deptypes.includes("run")) continue;
      const next = known.get(hash);
      if (next === undefined) isComplete = false;
      else seen.add(next);
    }
    if (one.name !== "glibc" && one.name !== "musl") continue;
    const { name, version } = one;
    if (newest === undefined || compareVersions(version, newest.version) > 0) newest = { name, version };
  }
  return newest ?? (isComplete ? "none" : "unknown");
}

/** A target that isn't known here runs if the processor has what the spec says that it needs. */
function runsTarget(spec: ConcreteSpec, host: Host): boolean {
  const { target, family } = spec.arch;
  if (host.targets.has(target)) return true;
  if (MICROARCHITECTURES.has(target) || family !== host.family) return false;
  const node = JSON.parse(spec.node.text) as { arch?: { target?: { vendor?: unknown; features?: unknown } } };
  const { vendor, features } = node.arch?.target ?? {};
  if (vendor !== "generic" && vendor !== host.processor.vendor) return false;
  return (
    Array.isArray(features) && features.length > 0 && features.every((one) => host.processor.features.has(String(one)))
  );
}

function unfit(why: string): Fit {
  return { ok: false, why };
}
