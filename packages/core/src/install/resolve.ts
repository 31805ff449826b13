import { SpkociError } from "../base/errors.js";
import { nearestNames } from "../base/nearest.js";
import type { Op } from "../base/op.js";
import type { CacheSource } from "../catalog/cache-source.js";
import { type CacheListing, listPackages } from "../catalog/list-packages.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import type { Host } from "../spack/host.js";
import { matchesQuery } from "../spack/match-spec-query.js";
import { parseSpecQuery } from "../spack/parse-spec-query.js";
import { type KnownSpecs, rankForHost } from "../spack/rank.js";
import type { SpecQuery } from "../spack/spec-query.js";

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
  const queries = specs.map((text) => ({ text, query: parseSpecQuery(text) }));
  const mayMatch = (tag: string): boolean => queries.some(({ query }) => tagMayMatch(tag, query));
  const listed: CacheListing[] = [];
  const listingOf = async (at: number): Promise<CacheListing> => {
    listed[at] ??= await listPackages(sources[at] as CacheSource, mayMatch, op);
    return listed[at];
  };
  const chosen = new Map<string, ConcreteSpec>();
  for (const { text, query } of queries) {
    const spec = await resolveOne(text, query, sources, listingOf, host);
    chosen.set(spec.hash, spec);
  }
  return [...chosen.values()];
}

async function resolveOne(
  text: string,
  query: SpecQuery,
  sources: readonly CacheSource[],
  listingOf: (at: number) => Promise<CacheListing>,
  host: Host,
): Promise<ConcreteSpec> {
  const names = new Set<string>();
  for (const at of sources.keys()) {
    const { packages, known } = await listingOf(at);
    const matching = packages.filter((spec) => matchesQuery(spec, query, (hash) => known.get(hash)));
    if (matching.length > 0) return bestOf(text, matching, query, host, known);
    for (const { name } of packages) names.add(name);
  }
  const nearest = nearestNames(query.name ?? "", names);
  const where = sources.map(({ store }) => store.name).join(", ");
  throw new SpkociError("SPEC_NOT_FOUND", `no package in ${where} matches ${text}`, {
    hint: nearest.length > 0 ? `Did you mean ${nearest.join(" or ")}?` : "Name a package that the cache has.",
  });
}

/** A hash names one package whatever the machine; anything else means what runs here. */
function bestOf(
  text: string,
  matching: readonly ConcreteSpec[],
  query: SpecQuery,
  host: Host,
  known: KnownSpecs,
): ConcreteSpec {
  const [only] = matching;
  if (only !== undefined && matching.length === 1 && query.hash !== undefined) return only;
  const { best, unfit } = rankForHost(matching, host, known);
  if (best.length === 1) return best[0] as ConcreteSpec;
  if (best.length > 1) {
    throw new SpkociError("AMBIGUOUS_SPEC", `${text} matches ${best.length} packages that fit this machine equally`, {
      hint: `Choose one by its hash:\n${linesOf(best)}`,
    });
  }
  const [first] = unfit;
  throw new SpkociError(
    "PLATFORM_NOT_FOUND",
    `${text} is in the cache, but not for this machine: ${first?.why ?? ""}`,
    {
      hint: `Ask for it by its hash to install it all the same:\n${linesOf(matching)}`,
    },
  );
}

const SHOWN = 20;

function linesOf(specs: readonly ConcreteSpec[]): string {
  const lines = specs.slice(0, SHOWN).map((spec) => {
    const { platform, os, target } = spec.arch;
    return `  ${labelOf(spec)}/${spec.hash.slice(0, 7)} ${platform}-${os}-${target}`;
  });
  return lines.join("\n");
}

/** Whether a package's tag can be of what the query asks for; the spec itself is looked at afterwards. */
function tagMayMatch(tag: string, { name, hash }: SpecQuery): boolean {
  const [, tagHash = ""] = /-([a-z0-9]+)\.spack$/.exec(tag) ?? [];
  if (hash !== undefined && !tagHash.startsWith(hash)) return false;
  // A long tag has lost its middle, but begins with the name.
  return name === undefined || tag.startsWith(`${name.slice(0, 64)}-`) || name.length >= 64;
}
