import { SpkociError } from "../base/errors.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { labelOf } from "./concrete-spec.js";
import { type InstallRecord, type InstallStore, recordOf } from "./install-store.js";
import { dependenciesFirst, edgesOfKind, type Resolve } from "./traverse.js";

export interface ClosureOptions {
  /** Only the roots, or only what they depend on; both unless told. */
  readonly only?: "package" | "dependencies" | undefined;
  /** Follow build and test edges too. */
  readonly withBuildDependencies?: boolean | undefined;
}

export interface Closure {
  /** Installed packages, dependencies before dependents. */
  readonly packages: readonly InstallRecord[];
  /** Dependencies that the database knows but that are not installed. */
  readonly notInstalled: readonly InstallRecord[];
}

const RUNTIME_EDGES = edgesOfKind("link", "run");

/**
 * What a push of `roots` consists of, as `spack buildcache push` chooses: the roots and everything that they reach by link and run
 * edges, external packages left out.
 * @throws SpkociError SPEC_NOT_FOUND if a root that is asked for is not installed
 */
export function closureOf(store: InstallStore, roots: readonly InstallRecord[], options: ClosureOptions = {}): Closure {
  const { only, withBuildDependencies = false } = options;
  const missing = only === "dependencies" ? undefined : roots.find(({ installed }) => !installed);
  if (missing !== undefined) throw new SpkociError("SPEC_NOT_FOUND", `${labelOf(missing.spec)} is not installed`);
  const filter = only === "package" ? () => false : withBuildDependencies ? () => true : RUNTIME_EDGES;
  const isRoot = new Set(roots.map(({ spec }) => spec.hash));
  const reached = dependenciesFirst(specsOf(roots), resolverOf(store), filter)
    .filter(({ hash }) => only !== "dependencies" || !isRoot.has(hash))
    .map((spec) => recordFor(store, spec))
    .filter(({ external }) => !external);
  return {
    packages: reached.filter(({ installed }) => installed),
    notInstalled: reached.filter(({ installed }) => !installed),
  };
}

/**
 * The packages whose layers make up an image over `roots` (format page, section 2): those reachable by link and run edges without
 * the external ones, dependencies before dependents, in Spack's order. A package's own is the last. Packages that are not installed
 * are among them; what has no layer can't be in the image.
 */
export function imageLayersOf(
  store: InstallStore,
  roots: InstallRecord | readonly InstallRecord[],
): readonly InstallRecord[] {
  const list = "spec" in roots ? [roots] : roots;
  return dependenciesFirst(specsOf(list), resolverOf(store), RUNTIME_EDGES)
    .map((spec) => recordFor(store, spec))
    .filter(({ external }) => !external);
}

/** Finds the specs that edges point to in a store. */
export function resolverOf(store: InstallStore): Resolve {
  return (hash, parent) => recordOf(store, hash, parent).spec;
}

function specsOf(records: readonly InstallRecord[]): ConcreteSpec[] {
  return records.map(({ spec }) => spec);
}

function recordFor(store: InstallStore, spec: ConcreteSpec): InstallRecord {
  return recordOf(store, spec.hash, spec);
}
