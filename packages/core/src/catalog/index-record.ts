import { type Fields, fieldsOf, Malformed, optional, textOf } from "../base/fields.js";
import { formatJson, type JsonValue, RawJson } from "../base/json.js";
import { membersOf } from "../spack/lossless-json.js";

/** One package in a cache's index. */
export interface IndexRecord {
  /** As it is written, with members that spkoci doesn't know. */
  readonly json: RawJson;
  /** Edges of every kind in the index that point at this record. */
  readonly refCount: number;
  /** The cache has the package, rather than only others that depend on it. */
  readonly inBuildcache: boolean;
  /** DAG hashes that the record's edges of every kind point at. */
  readonly dependencies: readonly string[];
}

/** A record from its parsed value and its text. One of unknown form has no edges and is not in the cache. */
export function parseIndexRecord(value: unknown, text: string): IndexRecord {
  const json = new RawJson(text);
  try {
    const { spec, ref_count: refCount, in_buildcache: inBuildcache } = fieldsOf(value, "");
    return {
      json,
      refCount: typeof refCount === "number" ? refCount : 0,
      inBuildcache: inBuildcache === true,
      dependencies: edgesOf(fieldsOf(spec, "spec")),
    };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { json, refCount: 0, inBuildcache: false, dependencies: [] };
  }
}

/**
 * A record that Spack would write. What `known` says beside its spec stays: other members, and that the cache has the
 * package.
 */
export function newIndexRecord(
  spec: RawJson,
  inBuildcache: boolean,
  dependencies: readonly string[],
  known?: IndexRecord,
): IndexRecord {
  if (known?.json.text.startsWith("{")) {
    return { ...changeIndexRecord(known, { spec, inBuildcache: inBuildcache || known.inBuildcache }), dependencies };
  }
  const json = new RawJson(formatJson({ spec, ref_count: 0, in_buildcache: inBuildcache }));
  return { json, refCount: 0, inBuildcache, dependencies };
}

/** The record with other values; every other member stays as it was written. */
export function changeIndexRecord(
  record: IndexRecord,
  change: { readonly refCount?: number; readonly inBuildcache?: boolean; readonly spec?: RawJson },
): IndexRecord {
  const members = new Map<string, JsonValue>();
  for (const [key, text] of membersOf(record.json.text)) members.set(key, new RawJson(text));
  if (change.spec !== undefined) members.set("spec", change.spec);
  if (change.refCount !== undefined) members.set("ref_count", change.refCount);
  if (change.inBuildcache !== undefined) members.set("in_buildcache", change.inBuildcache);
  const written = [...members].map(([key, value]) => `${JSON.stringify(key)}:${formatJson(value)}`);
  return {
    json: new RawJson(`{${written.join(",")}}`),
    refCount: change.refCount ?? record.refCount,
    inBuildcache: change.inBuildcache ?? record.inBuildcache,
    dependencies: record.dependencies,
  };
}

/** Databases of version 5 wrap a node: `{name: {…}}`. */
function edgesOf(spec: Fields): string[] {
  const node = typeof spec.name === "string" ? spec : fieldsOf(Object.values(spec)[0] ?? {}, "spec");
  const edges = node.dependencies ?? [];
  const list: unknown[] = Array.isArray(edges) ? edges : Object.values(fieldsOf(edges, "dependencies"));
  return list.map(edgeHash).filter((hash) => hash !== undefined);
}

function edgeHash(value: unknown): string | undefined {
  const edge = fieldsOf(value, "dependencies");
  return optional(edge.hash ?? edge.build_hash ?? edge.full_hash, "hash", textOf);
}
