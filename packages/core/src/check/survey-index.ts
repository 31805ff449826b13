import { SpkociError } from "../base/errors.js";
import type { CacheIndex } from "../catalog/index-document.js";
import type { IndexRecord } from "../catalog/index-record.js";
import { parseRecordSpec } from "../catalog/record-spec.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import { computeDagHash, hasComputableHash } from "../spack/dag-hash.js";
import { packageTag } from "../spack/tag.js";
import type { About, Findings, Report } from "./findings.js";

/** What the index says of the package with a tag. */
export interface IndexedPackage {
  readonly hash: string;
  /** `name@version`. */
  readonly package: string;
  readonly inBuildcache: boolean;
  /** Whether it is certainly to be checked. */
  readonly isWanted: boolean;
}

/**
 * Checks an index by itself: that records can be read, hold the spec that they are filed under, name only packages that have records,
 * and count right who needs them. Only what is wrong with packages that are wanted is reported.
 * @returns by tag what the index says of packages; external ones, which have no tag, left out
 */
export function surveyIndex(
  index: CacheIndex,
  where: string,
  wants: (hash: string) => boolean,
  findings: Findings,
): Map<string, IndexedPackage> {
  const packages = new Map<string, IndexedPackage>();
  const counts = countEdges(index);
  for (const [hash, record] of index.installs) {
    const isWanted = wants(hash);
    const reportTo = (about: About): Report => (isWanted ? findings.about(about) : () => {});
    const spec = readRecord(hash, record, index, where, reportTo({ hash }));
    const about = spec && { hash, package: labelOf(spec), tag: packageTag(spec) };
    if (about && spec.external === undefined) {
      packages.set(about.tag, { hash, package: about.package, inBuildcache: record.inBuildcache, isWanted });
    }
    // Of a record that can't be read nothing else is known.
    if (about) surveyEdges(hash, record, index, counts, reportTo(about));
  }
  return packages;
}

function readRecord(
  hash: string,
  record: IndexRecord,
  index: CacheIndex,
  where: string,
  report: Report,
): ConcreteSpec | undefined {
  try {
    const spec = parseRecordSpec(hash, record, index, where);
    if (!hasComputableHash(spec)) return spec;
    const actual = computeDagHash(spec.node, spec.buildSpec);
    if (actual === hash) return spec;
    const about = { package: labelOf(spec), tag: packageTag(spec) };
    report("RECORD_SPEC_WRONG", `the record's spec has the DAG hash ${actual}`, about);
    return spec;
  } catch (error) {
    if (!(error instanceof SpkociError)) throw error;
    report("RECORD_INVALID", error.message);
    return undefined;
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
