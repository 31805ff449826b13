import type { Op } from "../base/op.js";
import { type CacheSource, openSources } from "../catalog/cache-source.js";
import { type CacheContents, listPackages } from "../catalog/list-packages.js";
import { matchPackages, type PackageQuery, parseQueries, tagMayMatch } from "../catalog/package-query.js";
import type { RegistryAccess } from "../registry/access.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { type Host, readHost } from "../spack/host.js";
import { matchesQuery } from "../spack/match-spec-query.js";
import { type Fit, type KnownSpecs, runsOn } from "../spack/rank.js";
import { packageTag } from "../spack/tag.js";
import { compareVersions } from "../spack/version-order.js";

/** What is listed of a cache; `source` is needed. */
export interface ListOptions {
  /** The cache: `ghcr.io/org/cache`, `oci://…`, `oci+http://…` or `oci:DIR`. */
  readonly source: string;
  /** Specs in Spack's syntax, of which a package must match one; all packages unless given. */
  readonly queries?: readonly string[] | undefined;
  /** Packages that this machine can't use, too. One that is asked for by its hash is listed in any case. */
  readonly allArch?: boolean | undefined;
  readonly access?: RegistryAccess | undefined;
}

export interface ListedPackage {
  readonly spec: ConcreteSpec;
  /** Reference to pull the image by. */
  readonly image: string;
  /** Whether the package runs on this machine, and why not. */
  readonly fit: Fit;
}

export interface CacheList {
  /** The cache's name. */
  readonly source: string;
  readonly host: Host;
  /** By name, version and hash. */
  readonly packages: readonly ListedPackage[];
  /** How many packages match too, but this machine can't use them. */
  readonly others: number;
  /** By DAG hash: the packages and, as far as the cache says it, what they depend on. */
  readonly known: KnownSpecs;
  /** DAG hashes of all packages of the cache. */
  readonly hashes: ReadonlySet<string>;
}

/**
 * Lists the packages of a cache by its index, or by its tags and the configs that they lead to where it has none.
 * @throws SpkociError INVALID_REFERENCE, INVALID_ARGUMENT for a query that can't be parsed, IMAGE_NOT_FOUND for a folder that is no OCI
 *   layout, SPEC_NOT_FOUND for a query that nothing matches, whatever the machine, DOCUMENT_INVALID, and those of the registry
 */
export async function listCache(options: ListOptions, op: Op = {}): Promise<CacheList> {
  const queries = parseQueries(options.queries ?? []);
  const [source] = (await openSources([options.source], options.access ?? {})) as [CacheSource];
  const host = await readHost();
  const contents = await listPackages(source, (tag) => tagMayMatch(tag, queries), op);
  return chooseListed(source, contents, queries, host, options.allArch ?? false);
}

/** What of a cache's contents is listed on this machine. */
function chooseListed(
  source: CacheSource,
  contents: CacheContents,
  queries: readonly PackageQuery[],
  host: Host,
  allArch: boolean,
): CacheList {
  const { known, hashes } = contents;
  const byHash = queries.filter(({ query }) => query.hash !== undefined);
  const isWanted = ({ spec, fit }: ListedPackage): boolean =>
    allArch || fit.ok || byHash.some(({ query }) => matchesQuery(spec, query, (hash) => known.get(hash)));
  const matching = matchPackages(contents, queries, source.store.name).map((spec) => ({
    spec,
    image: source.imageAt(packageTag(spec)),
    fit: runsOn(spec, host, known),
  }));
  const packages = matching.filter(isWanted).sort((a, b) => comparePackages(a.spec, b.spec));
  return { source: source.store.name, host, packages, others: matching.length - packages.length, known, hashes };
}

/** By name, then version, then hash. */
export function comparePackages(a: ConcreteSpec, b: ConcreteSpec): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return compareVersions(a.version, b.version) || (a.hash < b.hash ? -1 : Number(a.hash > b.hash));
}
