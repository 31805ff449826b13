import type { Digest } from "../base/digest.js";
import type { CacheListing } from "../catalog/list-packages.js";
import type { ConcreteSpec, Dependency } from "../spack/concrete-spec.js";
import { packageTag } from "../spack/tag.js";
import { dependenciesFirst, edgesOfKind } from "../spack/traverse.js";
import type { CopyAction } from "./result.js";

/** A package to copy. */
export interface PackageItem {
  readonly spec: ConcreteSpec;
  readonly tag: string;
  /** It was asked for, and isn't only a dependency: that it isn't there is a failure. */
  readonly required: boolean;
}

export interface PackageSelection {
  /** Dependencies first. */
  readonly items: readonly PackageItem[];
  /** Dependencies of which the cache knows nothing but what packages say that need them. */
  readonly unknown: readonly Dependency[];
}

const RUNTIME_EDGES = edgesOfKind("link", "run");

/**
 * The chosen packages, and what they reach by link and run edges unless `noDeps`; external packages are in no cache.
 * @throws SpkociError SPEC_INVALID if the edges run in a circle
 */
export function selectPackages(
  { known }: Pick<CacheListing, "known">,
  chosen: readonly ConcreteSpec[],
  options: { readonly noDeps: boolean; readonly required: boolean },
): PackageSelection {
  const unknown = new Map<string, Dependency>();
  const isKnown = (dependency: Dependency): boolean => {
    if (known.has(dependency.hash)) return true;
    if (RUNTIME_EDGES(dependency) && !options.noDeps) unknown.set(dependency.hash, dependency);
    return false;
  };
  const resolve = (hash: string): ConcreteSpec => known.get(hash) as ConcreteSpec;
  const reached = dependenciesFirst(chosen, resolve, (edge) => isKnown(edge) && RUNTIME_EDGES(edge));
  const hashes = new Set(chosen.map(({ hash }) => hash));
  const items = reached
    .filter((spec) => spec.external === undefined && (hashes.has(spec.hash) || !options.noDeps))
    .map((spec) => ({ spec, tag: packageTag(spec), required: options.required && hashes.has(spec.hash) }));
  return { items, unknown: [...unknown.values()] };
}

/** What becomes of a tag, from what it names in the source and in the target. */
export function decideAction(source: Digest | undefined, target: Digest | undefined): CopyAction {
  if (source === undefined) return "missing";
  if (target === undefined) return "copy";
  return source === target ? "skip" : "replace";
}

/** The items that each item waits for: those before it that its package needs to run. */
export function waitsOf(items: readonly PackageItem[]): ReadonlyMap<PackageItem, readonly PackageItem[]> {
  const before = new Map<string, PackageItem>();
  const waits = new Map<PackageItem, readonly PackageItem[]>();
  for (const item of items) {
    const needed = item.spec.dependencies.filter(RUNTIME_EDGES).flatMap(({ hash }) => before.get(hash) ?? []);
    waits.set(item, needed);
    before.set(item.spec.hash, item);
  }
  return waits;
}
