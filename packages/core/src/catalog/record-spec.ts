import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { specfileOfDatabase } from "../spack/database.js";
import { memberOf } from "../spack/lossless-json.js";
import { parseSpecNode } from "../spack/spec-node.js";
import type { CacheIndex } from "./index-document.js";
import type { IndexRecord } from "./index-record.js";

/**
 * The spec that a record of an index holds.
 * @param where the cache, for the message
 * @throws SpkociError DOCUMENT_INVALID
 */
export function parseRecordSpec(hash: string, record: IndexRecord, index: CacheIndex, where: string): ConcreteSpec {
  const text = memberOf(record.json.text, "spec") ?? "null";
  return parseSpecNode(JSON.parse(text), text, {
    version: specfileOfDatabase(index.version),
    what: `record ${hash} in the index of ${where}`,
    code: "DOCUMENT_INVALID",
    hash,
  });
}
