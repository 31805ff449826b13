import type { CacheListing } from "../catalog/list-packages.js";
import { matchPackages, type PackageQuery } from "../catalog/package-query.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { breadthFirst, edgesOfKind } from "../spack/traverse.js";

const runs = edgesOfKind("link", "run");

/**
 * The packages of a cache that match one of the queries, and what they need to run as far as the cache has it; all packages if there is
 * no query. `where` is the cache's name.
 * @throws SpkociError SPEC_NOT_FOUND for a query that nothing matches
 */
export function choosePackages(listing: CacheListing, queries: readonly PackageQuery[], where: string): ConcreteSpec[] {
  const { packages, known } = listing;
  const reached = breadthFirst(
    matchPackages(listing, queries, where),
    (hash) => known.get(hash) as ConcreteSpec,
    (edge) => runs(edge) && known.has(edge.hash),
  );
  const isThere = new Set(packages.map(({ hash }) => hash));
  return reached.filter(({ hash }) => isThere.has(hash));
}
