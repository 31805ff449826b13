import type { IndexEntry } from "../catalog/merge-index.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import type { InstallRecord, InstallStore } from "../spack/install-store.js";

/**
 * What the cache's index shall say of packages that the target has: each of them, and whatever they depend on by any edge, which Spack's
 * index names too, as not in the cache unless it is one of them.
 */
export function indexEntriesOf(store: InstallStore, records: readonly InstallRecord[]): IndexEntry[] {
  const inCache = new Set(records.map((record) => record.spec.hash));
  const reached = new Map<string, ConcreteSpec>();
  const waiting = records.map((record) => record.spec);
  for (let spec = waiting.pop(); spec !== undefined; spec = waiting.pop()) {
    if (reached.has(spec.hash)) continue;
    reached.set(spec.hash, spec);
    for (const { hash } of spec.dependencies) {
      const record = store.records.get(hash);
      if (record) waiting.push(record.spec);
    }
  }
  return [...reached].map(([hash, spec]) => ({ spec, inBuildcache: inCache.has(hash) }));
}
