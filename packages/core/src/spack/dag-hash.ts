import { createHash } from "node:crypto";
import { SpkociError } from "../base/errors.js";
import type { RawJson } from "../base/json.js";
import { endOfString } from "../base/json-nesting.js";
import { base32 } from "./base32.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { labelOf } from "./concrete-spec.js";
import { membersOf } from "./lossless-json.js";

/** Characters of a build spec's hash that a spliced spec keeps at the end of its own. */
const SPLICED_SUFFIX = 7;

/**
 * The DAG hash of a node of spec file version 4 or 5 (format page, section 8): SHA-1 over its JSON without `hash`, in base32.
 * For a spliced node `buildSpec` is the DAG hash of what it was built as.
 */
export function computeDagHash(node: RawJson, buildSpec?: string): string {
  const members: string[] = [];
  for (const [key, value] of membersOf(node.text)) {
    if (key !== "hash") members.push(`${JSON.stringify(key)}:${value}`);
  }
  const sha1 = createHash("sha1").update(asPythonWrites(`{${members.join(",")}}`));
  const hash = base32(sha1.digest());
  return buildSpec === undefined ? hash : hash.slice(0, -SPLICED_SUFFIX) + buildSpec.slice(-SPLICED_SUFFIX);
}

/**
 * Whether a spec's hash must be what its node gives: not before spec file version 4, nor for a node that a newer Spack has rewritten
 * in another version than its hash was made under. Nodes of external packages are rewritten by Spack under their old hash too.
 */
export function hasComputableHash(spec: ConcreteSpec): boolean {
  const asHashed = spec.originalSpecfileVersion === spec.specfileVersion && spec.external === undefined;
  return asHashed && spec.specfileVersion >= 4;
}

/** Specs that were found to have their hash: a store's are looked at for each package that depends on them. */
const verified = new WeakSet<ConcreteSpec>();

/**
 * Recomputes the DAG hash of every spec whose hash can be recomputed, once for each spec.
 * @throws SpkociError DAG_HASH_MISMATCH that names the first package whose node doesn't have the hash it claims.
 */
export function verifyDagHashes(specs: Iterable<ConcreteSpec>): void {
  for (const spec of specs) {
    if (verified.has(spec) || !hasComputableHash(spec)) continue;
    const actual = computeDagHash(spec.node, spec.buildSpec);
    if (actual === spec.hash) {
      verified.add(spec);
      continue;
    }
    throw new SpkociError(
      "DAG_HASH_MISMATCH",
      `${labelOf(spec)} claims the DAG hash ${spec.hash}, but its spec has ${actual}`,
      { hint: "The database or spec.json was changed after Spack wrote it; `spack reindex` or a reinstall mends it." },
    );
  }
}

/** Compact JSON with strings escaped the way Python's json does: ASCII only, lower-case hex. */
function asPythonWrites(json: string): string {
  if (!/[^\x20-\x7e]|\\/.test(json)) return json;
  let written = "";
  for (let at = 0; at < json.length; ) {
    const end = json[at] === '"' ? endOfString(json, at) : nextString(json, at);
    const token = json.slice(at, end);
    written += token[0] === '"' ? pythonString(JSON.parse(token) as string) : token;
    at = end;
  }
  return written;
}

function nextString(json: string, from: number): number {
  const at = json.indexOf('"', from);
  return at < 0 ? json.length : at;
}

function pythonString(text: string): string {
  return JSON.stringify(text).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
