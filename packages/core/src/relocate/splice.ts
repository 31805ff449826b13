import type { ConcreteSpec } from "../spack/concrete-spec.js";
import type { SpecFile } from "../spack/spec-file.js";
import { breadthFirst, edgesOfKind, type Resolve } from "../spack/traverse.js";

/**
 * New prefixes by the hashes that a package's build info names. A spliced package's build info names the dependencies it was built
 * with; each of them is found again as what took its place: the same package, else one of the same name, else one that provides
 * at least the same virtual packages.
 * @param file the package's spec with all its nodes, those of its build spec among them
 * @param prefixOf the new prefix of a package, by DAG hash; undefined where it has none
 */
export function prefixesByBuildHash(
  file: Pick<SpecFile, "root" | "nodes">,
  prefixOf: (hash: string) => string | undefined,
): Map<string, string> {
  const resolve = resolverOf(file.nodes);
  const { root } = file;
  const built = root.buildSpec === undefined ? root : (file.nodes.get(root.buildSpec) ?? root);
  const builtWith = breadthFirst([built], resolve, RUNTIME);
  const isBuiltWith = new Set(builtWith.map(({ hash }) => hash));
  const prefixes = new Map<string, string>();
  for (const spec of breadthFirst([root], resolve, RUNTIME)) {
    const prefix = prefixOf(spec.hash);
    const before = isBuiltWith.has(spec.hash) ? spec : replacedBy(spec, root, builtWith, built, resolve);
    if (prefix !== undefined && !prefixes.has(before.hash)) prefixes.set(before.hash, prefix);
  }
  return prefixes;
}

const RUNTIME = edgesOfKind("link", "run", "test");

/** The package that `spec` took the place of; itself if there is none. */
function replacedBy(
  spec: ConcreteSpec,
  root: ConcreteSpec,
  builtWith: readonly ConcreteSpec[],
  built: ConcreteSpec,
  resolve: Resolve,
): ConcreteSpec {
  if (spec.hash === root.hash) return built;
  const sameName = builtWith.find(({ name }) => name === spec.name);
  if (sameName !== undefined) return sameName;
  const provided = virtualsOf(spec, root, resolve);
  if (provided.size === 0) return spec;
  const provides = (other: ConcreteSpec): boolean => {
    const virtuals = virtualsOf(other, built, resolve);
    return [...provided].every((virtual) => virtuals.has(virtual));
  };
  return builtWith.find(provides) ?? spec;
}

/** The virtual packages that a package provides to those that `root` reaches. */
function virtualsOf(spec: ConcreteSpec, root: ConcreteSpec, resolve: Resolve): Set<string> {
  const parents = breadthFirst([root], resolve, RUNTIME);
  const edges = parents.flatMap(({ dependencies }) => dependencies.filter(({ hash }) => hash === spec.hash));
  return new Set(edges.flatMap(({ virtuals }) => virtuals));
}

/** Nodes that the file doesn't have lead nowhere. */
function resolverOf(nodes: ReadonlyMap<string, ConcreteSpec>): Resolve {
  return (hash, parent) => nodes.get(hash) ?? { ...parent, name: "", hash, dependencies: [], buildSpec: undefined };
}
