import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { CacheSource } from "../catalog/cache-source.js";
import { type CacheListing, listPackages } from "../catalog/list-packages.js";
import {
  candidateLines,
  haveManyNames,
  nothingMatches,
  type PackageQuery,
  parseQueries,
  severalMatch,
  tagMayMatch,
} from "../catalog/package-query.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import type { Host } from "../spack/host.js";
import { matchesQuery } from "../spack/match-spec-query.js";
import { type KnownSpecs, rankForHost } from "../spack/rank.js";

/**
 * The package that each spec means: of the first source that has a match, the one that fits this machine best.
 * @throws SpkociError INVALID_ARGUMENT, SPEC_NOT_FOUND, AMBIGUOUS_SPEC, PLATFORM_NOT_FOUND if matches exist but none runs here
 */
export async function resolveSpecs(
  sources: readonly CacheSource[],
  specs: readonly string[],
  host: Host,
  op: Op,
): Promise<ConcreteSpec[]> {
  const queries = parseQueries(specs);
  const mayMatch = (tag: string): boolean => tagMayMatch(tag, queries);
  const listed: CacheListing[] = [];
  const listingOf = async (at: number): Promise<CacheListing> => {
    listed[at] ??= await listPackages(sources[at] as CacheSource, mayMatch, op);
    return listed[at];
  };
  const chosen = new Map<string, ConcreteSpec>();
  for (const query of queries) {
    const spec = await resolveOne(query, sources, listingOf, host);
    chosen.set(spec.hash, spec);
  }
  return [...chosen.values()];
}

async function resolveOne(
  wanted: PackageQuery,
  sources: readonly CacheSource[],
  listingOf: (at: number) => Promise<CacheListing>,
  host: Host,
): Promise<ConcreteSpec> {
  const seen: ConcreteSpec[] = [];
  for (const at of sources.keys()) {
    const { packages, known } = await listingOf(at);
    const matching = packages.filter((spec) => matchesQuery(spec, wanted.query, (hash) => known.get(hash)));
    if (matching.length > 0) return bestOf(wanted, matching, host, known);
    for (const spec of packages) seen.push(spec);
  }
  throw nothingMatches(wanted, sources.map(({ store }) => store.name).join(", "), seen);
}

/** A hash names one package whatever the machine; anything else means what runs here. */
function bestOf(
  { text, query }: PackageQuery,
  matching: readonly ConcreteSpec[],
  host: Host,
  known: KnownSpecs,
): ConcreteSpec {
  const [only] = matching;
  if (only !== undefined && matching.length === 1 && query.hash !== undefined) return only;
  if (haveManyNames(matching)) throw severalMatch(text, matching);
  const { best, unfit } = rankForHost(matching, host, known);
  if (best.length === 1) return best[0] as ConcreteSpec;
  if (best.length > 1) throw severalMatch(text, best, " that fit this machine equally");
  const [first] = unfit;
  throw new SpkociError(
    "PLATFORM_NOT_FOUND",
    `${text} is in the cache, but not for this machine: ${first?.why ?? ""}`,
    {
      hint: `Ask for it by its hash to install it all the same:\n${candidateLines(matching)}`,
    },
  );
}
