import { SpkociError } from "../base/errors.js";
import type { ConcreteSpec, Dependency } from "./concrete-spec.js";

/** Finds the spec that an edge points to. */
export type Resolve = (hash: string, parent: ConcreteSpec) => ConcreteSpec;

/** Which edges are followed. */
export type EdgeFilter = (dependency: Dependency) => boolean;

/** Edges of at least one of these kinds. */
export function edgesOfKind(...kinds: readonly string[]): EdgeFilter {
  return ({ deptypes }) => deptypes.some((kind) => kinds.includes(kind));
}

/** The specs that a spec's edges point to, in the order that Spack follows them: by name. */
export function childrenOf(spec: ConcreteSpec, resolve: Resolve, filter: EdgeFilter): ConcreteSpec[] {
  return spec.dependencies
    .filter(filter)
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ hash }) => resolve(hash, spec));
}

/** Every spec reachable from `roots`, the roots first, in Spack's breadth-first order. */
export function breadthFirst(
  roots: readonly ConcreteSpec[],
  resolve: Resolve,
  filter: EdgeFilter = () => true,
): ConcreteSpec[] {
  const seen = new Map<string, ConcreteSpec>();
  const queue = [...roots];
  for (const spec of queue) {
    if (seen.has(spec.hash)) continue;
    seen.set(spec.hash, spec);
    for (const child of childrenOf(spec, resolve, filter)) queue.push(child);
  }
  return [...seen.values()];
}

/** Every spec reachable from `root`, in depth-first preorder: the order of nodes in a spec file. */
export function preorder(root: ConcreteSpec, resolve: Resolve, filter: EdgeFilter = () => true): ConcreteSpec[] {
  const seen = new Map<string, ConcreteSpec>();
  const stack = [root];
  for (let spec = stack.pop(); spec !== undefined; spec = stack.pop()) {
    if (seen.has(spec.hash)) continue;
    seen.set(spec.hash, spec);
    for (const child of childrenOf(spec, resolve, filter).reverse()) stack.push(child);
  }
  return [...seen.values()];
}

/**
 * Every spec reachable from `roots`, dependencies before dependents: the reverse of Spack's topological order, which is as
 * breadth-first as it can be.
 * @throws SpkociError SPEC_INVALID if the edges run in a circle.
 */
export function dependenciesFirst(
  roots: readonly ConcreteSpec[],
  resolve: Resolve,
  filter: EdgeFilter = () => true,
): ConcreteSpec[] {
  const specs = breadthFirst(roots, resolve, filter);
  const children = new Map(specs.map((spec) => [spec.hash, childrenOf(spec, resolve, filter)]));
  const incoming = new Map<string, number>();
  for (const spec of [...roots, ...[...children.values()].flat()]) {
    incoming.set(spec.hash, (incoming.get(spec.hash) ?? 0) + 1);
  }
  const ordered: ConcreteSpec[] = [];
  const release = (spec: ConcreteSpec): void => {
    const left = (incoming.get(spec.hash) ?? 0) - 1;
    incoming.set(spec.hash, left);
    if (left === 0) ordered.push(spec);
  };
  roots.forEach(release);
  for (const spec of ordered) children.get(spec.hash)?.forEach(release);
  if (ordered.length < specs.length) {
    const stuck = specs.filter((spec) => (incoming.get(spec.hash) ?? 0) > 0).map(({ name }) => name);
    throw new SpkociError("SPEC_INVALID", `dependencies run in a circle: ${stuck.slice(0, 5).join(", ")}`);
  }
  return ordered.reverse();
}
