import type { CacheIndex } from "../catalog/index-document.js";
import { parseRecordSpec } from "../catalog/record-spec.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { computeDagHash, hasComputableHash } from "../spack/dag-hash.js";
import { memberOf } from "../spack/lossless-json.js";
import type { Report } from "./findings.js";

/**
 * Whether the index has the spec of a package as the package's config has it; if not, that is reported. What Spack rewrites in the index
 * for a newer version is no difference. Records that are missing, malformed or of another spec by their hash are told of by the survey
 * of the index.
 */
export function isRecordRight(spec: ConcreteSpec, index: CacheIndex, report: Report): boolean {
  const record = index.installs.get(spec.hash);
  if (record === undefined) return false;
  if (memberOf(record.json.text, "spec") === spec.node.text) return true;
  let known: ConcreteSpec;
  try {
    known = parseRecordSpec(spec.hash, record, index, "the cache");
  } catch {
    return false;
  }
  if (hasComputableHash(known)) return computeDagHash(known.node, known.buildSpec) === spec.hash;
  const [ours, theirs] = [essenceOf(spec), essenceOf(known)];
  const differing = Object.keys(ours).filter((key) => ours[key] !== theirs[key]);
  if (differing.length === 0) return true;
  report("RECORD_SPEC_WRONG", `the record differs from the package's config in its ${differing.join(", ")}`);
  return false;
}

function essenceOf(spec: ConcreteSpec): Readonly<Record<string, string>> {
  const { name, version, namespace = "", arch, parameters, dependencies, buildSpec = "" } = spec;
  const edges = dependencies.map(({ hash, deptypes }) => `${hash} ${deptypes.toSorted().join(" ")}`);
  return {
    name,
    version,
    namespace,
    architecture: JSON.stringify([arch.platform, arch.os, arch.target]),
    parameters: JSON.stringify([...parameters].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    dependencies: edges.toSorted().join(),
    "build spec": buildSpec,
  };
}
