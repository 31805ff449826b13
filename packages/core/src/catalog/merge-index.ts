import { SpkociError } from "../base/errors.js";
import { RawJson } from "../base/json.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { memberOf } from "../spack/lossless-json.js";
import { upgradeNode } from "../spack/upgrade-node.js";
import { type CacheIndex, NEWEST_DATABASE, REBUILD } from "./index-document.js";
import { changeIndexRecord, type IndexRecord, newIndexRecord } from "./index-record.js";

/** A package to name in the index, or one that is only depended on. */
export interface IndexEntry {
  readonly spec: Pick<ConcreteSpec, "hash" | "node" | "dependencies" | "specfileVersion">;
  /** True if the cache has the package; false for externals and for dependencies that it lacks. */
  readonly inBuildcache: boolean;
}

/** What is to become of a cache's index. */
export interface IndexChange {
  /** Packages that the cache has now, with everything that they depend on. */
  readonly add?: readonly IndexEntry[];
  /** DAG hashes of packages that the cache has no longer. One that `add` says is in the cache stays. */
  readonly remove?: readonly string[];
  /** Write the nodes of known records anew where they differ, and count all edges again. */
  readonly renew?: boolean;
}

export interface MergedIndex {
  readonly index: CacheIndex;
  /** False if everything was there already. */
  readonly changed: boolean;
}

/**
 * The index with the change in it. Records that are there stay as they are, in their order; new ones follow. What is in
 * the cache stays so unless it is removed; a removed package that others still depend on keeps its record, as not in the
 * cache, and records that nothing depends on any more go with it. `ref_count` of every record concerned is counted as
 * Spack does: edges of every kind from records of the index. The database has the version of the newest node; nodes of
 * version 7 are rewritten for version 8, as Spack does.
 * @throws SpkociError DOCUMENT_INVALID where an index of version 5 or 6 would have to take newer nodes, or the other
 *   way round.
 */
export function mergeIndex(index: CacheIndex, { add = [], remove = [], renew = false }: IndexChange): MergedIndex {
  const version = versionFor(index, add);
  const installs = upgraded(index, version);
  const touched = new Set<string>(renew ? installs.keys() : []);
  const kept = new Set<string>();
  let changed = version !== index.version && index.installs.size > 0;
  for (const { spec, inBuildcache } of add) {
    const { hash } = spec;
    if (inBuildcache) kept.add(hash);
    const known = installs.get(hash);
    const mayRenew = renew && (inBuildcache || !known?.inBuildcache);
    if (known === undefined || (mayRenew && !isRecordOf(known, nodeFor(spec, version)))) {
      const dependencies = spec.dependencies.map((dependency) => dependency.hash);
      installs.set(hash, newIndexRecord(nodeFor(spec, version), inBuildcache, dependencies, known));
      for (const one of [hash, ...dependencies]) touched.add(one);
      changed = true;
    } else if (inBuildcache && !known.inBuildcache) {
      installs.set(hash, changeIndexRecord(known, { inBuildcache }));
      changed = true;
    }
  }
  const removed = remove.filter((hash) => installs.has(hash) && !kept.has(hash));
  if (touched.size + removed.length > 0) {
    const counts = countEdges(installs);
    if (takeOut(removed, installs, counts, touched)) changed = true;
    if (recount(installs, counts, touched)) changed = true;
  }
  return { index: { ...index, version, installs }, changed };
}

function nodeFor(spec: IndexEntry["spec"], version: number): RawJson {
  return version >= 8 && databaseVersionOf(spec.specfileVersion) < 8 ? upgradeNode(spec.node) : spec.node;
}

function isRecordOf(record: IndexRecord, node: RawJson): boolean {
  return memberOf(record.json.text, "spec") === node.text;
}

/** How many edges of every kind point at a hash. */
function countEdges(installs: ReadonlyMap<string, IndexRecord>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { dependencies } of installs.values()) {
    for (const hash of dependencies) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  return counts;
}

/** Takes packages out of the cache, and records that nothing needs then out of the index. False if nothing changed. */
function takeOut(
  removed: readonly string[],
  installs: Map<string, IndexRecord>,
  counts: Map<string, number>,
  touched: Set<string>,
): boolean {
  let changed = false;
  const waiting = [...removed];
  for (const hash of removed) {
    const record = installs.get(hash);
    if (!record?.inBuildcache) continue;
    installs.set(hash, changeIndexRecord(record, { inBuildcache: false }));
    changed = true;
  }
  for (let hash = waiting.pop(); hash !== undefined; hash = waiting.pop()) {
    const record = installs.get(hash);
    if (!record || record.inBuildcache || (counts.get(hash) ?? 0) > 0) continue;
    installs.delete(hash);
    changed = true;
    for (const dependency of record.dependencies) {
      counts.set(dependency, (counts.get(dependency) ?? 0) - 1);
      touched.add(dependency);
      waiting.push(dependency);
    }
  }
  return changed;
}

/** False if every count was right. */
function recount(
  installs: Map<string, IndexRecord>,
  counts: ReadonlyMap<string, number>,
  touched: ReadonlySet<string>,
): boolean {
  let changed = false;
  for (const hash of touched) {
    const record = installs.get(hash);
    const refCount = counts.get(hash) ?? 0;
    if (!record || record.refCount === refCount) continue;
    installs.set(hash, changeIndexRecord(record, { refCount }));
    changed = true;
  }
  return changed;
}

/** Spack's database version whose nodes have the form of a spec file version. */
function databaseVersionOf(specfileVersion: number): number {
  if (specfileVersion >= 5) return NEWEST_DATABASE;
  if (specfileVersion === 4) return 7;
  return specfileVersion === 1 ? 5 : 6;
}

function versionFor(index: CacheIndex, entries: readonly IndexEntry[]): number {
  const fresh = entries.filter(({ spec }) => !index.installs.has(spec.hash));
  const versions = fresh.map(({ spec }) => databaseVersionOf(spec.specfileVersion));
  if (index.installs.size > 0) versions.push(index.version);
  const newest = versions.reduce((a, b) => Math.max(a, b), 0);
  const oldest = versions.reduce((a, b) => Math.min(a, b), NEWEST_DATABASE);
  if (versions.length === 0) return index.version;
  if (oldest === newest || oldest >= OLDEST_TO_MIX) return newest;
  throw new SpkociError("DOCUMENT_INVALID", `an index of version ${newest} can't name packages of version ${oldest}`, {
    hint: REBUILD,
  });
}

/** From this database version on, nodes have a form that the next versions can take over. */
const OLDEST_TO_MIX = 7;

function upgraded(index: CacheIndex, version: number): Map<string, IndexRecord> {
  if (version === index.version || version < 8) return new Map(index.installs);
  const records = [...index.installs].map(([hash, record]): [string, IndexRecord] => {
    const spec = memberOf(record.json.text, "spec");
    return [hash, spec === undefined ? record : changeIndexRecord(record, { spec: upgradeNode(new RawJson(spec)) })];
  });
  return new Map(records);
}
