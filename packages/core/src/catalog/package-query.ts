import { SpkociError } from "../base/errors.js";
import { nearestNames } from "../base/nearest.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import { matchesQuery } from "../spack/match-spec-query.js";
import { parseSpecQuery } from "../spack/parse-spec-query.js";
import type { SpecQuery } from "../spack/spec-query.js";
import { hashInTag } from "../spack/tag.js";
import type { CacheListing } from "./list-packages.js";

/** A query as it was typed, and what it asks for. */
export interface PackageQuery {
  readonly text: string;
  readonly query: SpecQuery;
}

/** @throws SpkociError INVALID_ARGUMENT, which points at the character that can't stand there */
export function parseQueries(texts: readonly string[]): PackageQuery[] {
  return texts.map((text) => ({ text, query: parseSpecQuery(text) }));
}

/**
 * The packages of a cache that one of the queries matches, in their order; all if there is no query.
 * @param where the cache, for the message
 * @throws SpkociError SPEC_NOT_FOUND for a query that nothing matches
 */
export function matchPackages(listing: CacheListing, queries: readonly PackageQuery[], where: string): ConcreteSpec[] {
  const { packages, known } = listing;
  if (queries.length === 0) return [...packages];
  const found = new Set<ConcreteSpec>();
  for (const one of queries) {
    const matching = packages.filter((spec) => matchesQuery(spec, one.query, (hash) => known.get(hash)));
    if (matching.length === 0) throw nothingMatches(one, where, packages);
    for (const spec of matching) found.add(spec);
  }
  return packages.filter((spec) => found.has(spec));
}

/** The error for a query that matches none of these packages: what there is of that name, or near names. */
export function nothingMatches(
  { text, query }: PackageQuery,
  where: string,
  packages: readonly ConcreteSpec[],
): SpkociError {
  const message = `no package in ${where} matches ${text}`;
  return new SpkociError("SPEC_NOT_FOUND", message, { hint: alternatives(query, packages) });
}

function alternatives({ name = "" }: SpecQuery, packages: readonly ConcreteSpec[]): string {
  const sameName = packages.filter((spec) => spec.name === name);
  if (sameName.length > 0) return `There are:\n${candidateLines(sameName)}`;
  const nearest = name === "" ? [] : nearestNames(name, new Set(packages.map((spec) => spec.name)));
  if (nearest.length > 0) return `Did you mean ${nearest.join(" or ")}?`;
  return "`spkoci list SOURCE --all-arch` shows what a cache has.";
}

/** The error for a spec that several packages match, of which it can't be told which one is meant. */
export function severalMatch(text: string, specs: readonly ConcreteSpec[], how = ""): SpkociError {
  return new SpkociError("AMBIGUOUS_SPEC", `${text} matches ${specs.length} packages${how}`, {
    hint: `Choose one by its hash:\n${candidateLines(specs)}`,
  });
}

/** Whether packages of different names match, which can't be ranked. */
export function haveManyNames(specs: readonly ConcreteSpec[]): boolean {
  return specs.some(({ name }) => name !== specs[0]?.name);
}

/** Lines of candidates that a message shows. */
const SHOWN = 20;

/** A line for each package, with the beginning of its hash to choose it by: for hints. */
export function candidateLines(specs: readonly ConcreteSpec[]): string {
  const lines = specs.slice(0, SHOWN).map((spec) => {
    const { platform, os, target } = spec.arch;
    return `  ${labelOf(spec)}/${spec.hash.slice(0, 7)} ${platform}-${os}-${target}`;
  });
  return [...lines, ...(specs.length > SHOWN ? [`  and ${specs.length - SHOWN} more`] : [])].join("\n");
}

/** Whether a package's tag can be of what one of the queries asks for; the spec itself is looked at afterwards. */
export function tagMayMatch(tag: string, queries: readonly PackageQuery[]): boolean {
  const tagHash = hashInTag(tag) ?? "";
  const mayBe = ({ name, hash = "" }: SpecQuery): boolean => {
    if (!tagHash.startsWith(hash)) return false;
    // A long tag has lost its middle, but begins with the name.
    return name === undefined || tag.startsWith(`${name.slice(0, 64)}-`) || name.length >= 64;
  };
  return queries.length === 0 || queries.some(({ query }) => mayBe(query));
}
