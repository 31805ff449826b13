import type { CachedSpec } from "../catalog/cached-spec.js";
import { nothingMatches, type PackageQuery, tagMayMatch } from "../catalog/package-query.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { matchesQuery } from "../spack/match-spec-query.js";

/** Which packages a check is about. */
export class Selection {
  readonly #queries: readonly PackageQuery[];
  readonly #matched = new Set<PackageQuery>();
  /** DAG hashes of the packages of the index that are wanted. */
  readonly #wanted = new Set<string>();
  /** Packages of the index, for hints. */
  #packages: readonly ConcreteSpec[] = [];

  constructor(queries: readonly PackageQuery[]) {
    this.#queries = queries;
  }

  get isEverything(): boolean {
    return this.#queries.length === 0;
  }

  /** Chooses among the packages that the index names; `known` has what they depend on too. */
  chooseFromIndex(packages: readonly ConcreteSpec[], known: ReadonlyMap<string, ConcreteSpec>): void {
    this.#packages = packages;
    for (const spec of packages) {
      if (this.#matches(spec, (hash) => known.get(hash))) this.#wanted.add(spec.hash);
    }
  }

  wantsRecord(hash: string): boolean {
    return this.isEverything || this.#wanted.has(hash);
  }

  /** Whether the package with a tag that the index doesn't name can be one that is wanted. */
  mayWantTag(tag: string): boolean {
    return tagMayMatch(tag, this.#queries);
  }

  /** Takes a tag that can't be read for one that is wanted. */
  takeTag(tag: string): void {
    for (const query of this.#queries) if (tagMayMatch(tag, [query])) this.#matched.add(query);
  }

  wantsPackage({ root, nodes }: CachedSpec): boolean {
    return this.isEverything || this.#matches(root, (hash) => nodes.get(hash));
  }

  /** @throws SpkociError SPEC_NOT_FOUND for a query that nothing matched */
  checkAllMatched(where: string): void {
    const unmatched = this.#queries.find((query) => !this.#matched.has(query));
    if (unmatched !== undefined) throw nothingMatches(unmatched, where, this.#packages);
  }

  #matches(spec: ConcreteSpec, find: (hash: string) => ConcreteSpec | undefined): boolean {
    const matching = this.#queries.filter(({ query }) => matchesQuery(spec, query, find));
    for (const query of matching) this.#matched.add(query);
    return matching.length > 0;
  }
}
