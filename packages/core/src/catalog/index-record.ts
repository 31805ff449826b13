import * as z from "zod";
import { formatJson, type JsonValue, RawJson } from "../base/json.js";
import { listOf, mapOf } from "../base/schema.js";
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

const edge = z.object({
  hash: z.string().optional(),
  build_hash: z.string().optional(),
  full_hash: z.string().optional(),
});
const node = z.object({ dependencies: z.union([listOf(edge), mapOf(edge)]).optional() });
const recordSchema = z.object({
  spec: z.union([node.extend({ name: z.string() }), z.record(z.string(), node)]),
  ref_count: z.number().catch(0),
  in_buildcache: z.boolean().catch(false),
});

/** A record from its parsed value and its text. One of unknown form has no edges and is not in the cache. */
export function parseIndexRecord(value: unknown, text: string): IndexRecord {
  const json = new RawJson(text);
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) return { json, refCount: 0, inBuildcache: false, dependencies: [] };
  const { spec, ref_count, in_buildcache } = parsed.data;
  return { json, refCount: ref_count, inBuildcache: in_buildcache, dependencies: edgesOf(spec) };
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

type Node = z.infer<typeof node>;

/** Databases of version 5 wrap a node: `{name: {…}}`. */
function edgesOf(spec: z.infer<typeof recordSchema>["spec"]): string[] {
  const bare = "name" in spec && typeof spec.name === "string" ? (spec as Node) : (Object.values(spec)[0] as Node);
  return Object.values(bare?.dependencies ?? {})
    .map((one) => one.hash ?? one.build_hash ?? one.full_hash)
    .filter((hash) => hash !== undefined);
}
