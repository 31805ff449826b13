import { SpkociError } from "../base/errors.js";
import type { CacheIndex } from "../catalog/index-document.js";
import type { IndexRecord } from "../catalog/index-record.js";
import { parseRecordSpec } from "../catalog/record-spec.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import { computeDagHash, hasComputableHash } from "../spack/dag-hash.js";
import { hashInTag, isPackageTag, packageTag } from "../spack/tag.js";
import type { FindingCode } from "./finding-codes.js";
import type { About, Findings, Report } from "./findings.js";

/** What the index says of the package with a tag. */
export interface IndexedPackage {
  readonly hash: string;
  /** `name@version`; undefined if the record doesn't say. */
  readonly package: string | undefined;
  readonly inBuildcache: boolean;
  /** Whether it is certainly to be checked. */
  readonly isWanted: boolean;
}

/** For findings about it. */
export function aboutOf({ hash, package: name }: IndexedPackage): About {
  return { hash, ...(name !== undefined && { package: name }) };
}

/** What there is to say of an index by itself. */
export interface IndexSurvey {
  /** By tag; external packages, which have no tag, left out. */
  readonly packages: Map<string, IndexedPackage>;
  /** DAG hashes of records that are to be written anew. */
  readonly broken: Set<string>;
}

/** An index that is looked at. */
interface Surveyed {
  readonly index: CacheIndex;
  /** The cache, for messages. */
  readonly where: string;
  /** Every tag of the cache. */
  readonly tags: ReadonlySet<string>;
}

/**
 * Checks an index by itself: that records can be read, hold the spec that they are filed under, name only packages that have records,
 * and count right who needs them. Only what is wrong with packages that are wanted is reported.
 */
export function surveyIndex(surveyed: Surveyed, wants: (hash: string) => boolean, findings: Findings): IndexSurvey {
  const { index, tags } = surveyed;
  const survey: IndexSurvey = { packages: new Map(), broken: new Set() };
  const counts = countEdges(index);
  const tagOfHash = new Map([...tags].filter(isPackageTag).map((tag) => [hashInTag(tag), tag]));
  for (const [hash, record] of index.installs) {
    const isWanted = wants(hash);
    const reportTo = (about: About): Report => (isWanted ? findings.about(about) : () => {});
    const { spec, fault } = readRecord(hash, record, surveyed);
    const tag = tagOfHash.get(hash);
    if (fault !== undefined) {
      survey.broken.add(hash);
      const claimed = spec ? { package: labelOf(spec), tag: packageTag(spec) } : {};
      reportTo({ hash, ...(tag === undefined ? claimed : { tag }) })(fault.code, fault.message);
    }
    if (fault !== undefined && tag !== undefined) {
      // What such a record says of itself is not to be relied on, but the tag ends in the hash.
      survey.packages.set(tag, { hash, package: undefined, inBuildcache: true, isWanted });
    } else if (spec !== undefined) {
      const about = { hash, package: labelOf(spec), tag: packageTag(spec) };
      const { inBuildcache } = record;
      if (!spec.external) survey.packages.set(about.tag, { hash, package: about.package, inBuildcache, isWanted });
      surveyEdges(hash, record, index, counts, reportTo(about));
    }
  }
  return survey;
}

/** A record's spec, as far as it can be read, and what is wrong with it. */
interface ReadRecord {
  readonly spec: ConcreteSpec | undefined;
  readonly fault?: { readonly code: FindingCode; readonly message: string };
}

function readRecord(hash: string, record: IndexRecord, { index, where }: Surveyed): ReadRecord {
  try {
    const spec = parseRecordSpec(hash, record, index, where);
    if (!hasComputableHash(spec)) return { spec };
    const actual = computeDagHash(spec.node, spec.buildSpec);
    if (actual === hash) return { spec };
    return { spec, fault: { code: "RECORD_SPEC_WRONG", message: `the record's spec has the DAG hash ${actual}` } };
  } catch (error) {
    if (!(error instanceof SpkociError)) throw error;
    return { spec: undefined, fault: { code: "RECORD_INVALID", message: error.message } };
  }
}

function surveyEdges(
  hash: string,
  record: IndexRecord,
  index: CacheIndex,
  counts: ReadonlyMap<string, number>,
  report: Report,
): void {
  const missing = record.dependencies.filter((dependency) => !index.installs.has(dependency));
  if (missing.length > 0) {
    report(
      "RECORD_MISSING",
      `it depends on ${missing.map((one) => `/${one}`).join(", ")}, of which there is no record`,
    );
  }
  const expected = counts.get(hash) ?? 0;
  if (record.refCount !== expected) {
    report("REF_COUNT_WRONG", `ref_count is ${record.refCount}, but the index has ${expected} edges to it`);
  }
}

function countEdges(index: CacheIndex): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { dependencies } of index.installs.values()) {
    for (const hash of dependencies) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  return counts;
}
