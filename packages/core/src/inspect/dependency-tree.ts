import type { ConcreteSpec, Dependency } from "../spack/concrete-spec.js";
import { type EdgeFilter, edgesOfKind } from "../spack/traverse.js";

/**
 * What is said of a package in a tree: it is in the cache, or installed; Spack found it on the machine that built, and no cache has it; or it
 * is missing here.
 */
export type TreeState = "present" | "external" | "missing";

/** A package in a tree of dependencies. */
export interface TreeNode {
  readonly name: string;
  /** Undefined if nothing is known of the package but what points at it. */
  readonly version?: string | undefined;
  /** DAG hash. */
  readonly hash: string;
  readonly state: TreeState;
  /** The edges that were followed, by name. */
  readonly dependencies: readonly Dependency[];
}

/** Packages and what they depend on, each package once. */
export interface DependencyTree {
  /** DAG hashes of the packages that were asked for. */
  readonly roots: readonly string[];
  /** The roots and everything that they reach, the roots first. */
  readonly packages: readonly TreeNode[];
}

export interface TreeRequest {
  readonly roots: readonly ConcreteSpec[];
  /** Follow build and test edges too. */
  readonly allDeps: boolean;
  readonly known: (hash: string) => ConcreteSpec | undefined;
  /** Whether a package that isn't external is there. */
  readonly isPresent: (hash: string) => boolean;
}

/** The dependencies of packages as far as they are known. */
export function describeTree({ roots, allDeps, known, isPresent }: TreeRequest): DependencyTree {
  const filter: EdgeFilter = allDeps ? () => true : edgesOfKind("link", "run");
  const nodes = new Map<string, TreeNode>();
  const queue: Pick<Dependency, "name" | "hash">[] = roots.map(({ name, hash }) => ({ name, hash }));
  for (const { name, hash } of queue) {
    if (nodes.has(hash)) continue;
    const spec = known(hash);
    const dependencies = (spec?.dependencies ?? []).filter(filter).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const state = stateOf(hash, spec, isPresent);
    nodes.set(hash, { name: spec?.name ?? name, version: spec?.version, hash, state, dependencies });
    for (const dependency of dependencies) queue.push(dependency);
  }
  return { roots: [...new Set(roots.map(({ hash }) => hash))], packages: [...nodes.values()] };
}

/** @param spec undefined if nothing is known of the package */
export function stateOf(hash: string, spec: ConcreteSpec | undefined, isPresent: (hash: string) => boolean): TreeState {
  if (spec?.external !== undefined) return "external";
  return isPresent(hash) ? "present" : "missing";
}
