import type { Op } from "../base/op.js";
import type { IndexEntry } from "../catalog/merge-index.js";
import type { InstallRecord, InstallStore } from "../spack/install-store.js";
import { readPackageSpec } from "./package-spec.js";

/**
 * What the cache's index shall say of packages that the target has: each of them, and every node of their specs, which Spack's index names
 * too, as not in the cache unless it is one of them.
 */
export async function indexEntriesOf(
  store: InstallStore,
  records: readonly InstallRecord[],
  op: Op,
): Promise<IndexEntry[]> {
  const inCache = new Set(records.map((record) => record.spec.hash));
  const entries = new Map<string, IndexEntry>();
  for (const record of records) {
    op.signal?.throwIfAborted();
    const { nodes } = await readPackageSpec(store, record, op);
    for (const [hash, spec] of nodes) entries.set(hash, { spec, inBuildcache: inCache.has(hash) });
  }
  return [...entries.values()];
}
