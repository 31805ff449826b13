import type { ConcreteSpec } from "../spack/concrete-spec.js";
import type { InstallRecord, InstallStore } from "../spack/install-store.js";
import { dependenciesFirst, edgesOfKind } from "../spack/traverse.js";

const NEEDED_TO_RUN = edgesOfKind("link", "run");

/** Installed packages that need one of `records` to run, directly or through others, without these themselves. */
export function dependentsOf(store: InstallStore, records: readonly InstallRecord[]): readonly InstallRecord[] {
  const parents = parentsByHash(store);
  const reached = new Set(records);
  for (const record of reached) {
    for (const parent of parents.get(record.spec.hash) ?? []) reached.add(parent);
  }
  return [...reached].filter((record) => !records.includes(record));
}

/** `records` in an order in which each comes before what it needs. */
export function dependentsFirst(records: readonly InstallRecord[]): readonly InstallRecord[] {
  const byHash = new Map(records.map((record) => [record.spec.hash, record]));
  const resolve = (hash: string, parent: ConcreteSpec): ConcreteSpec => byHash.get(hash)?.spec ?? parent;
  const ordered = dependenciesFirst(
    records.map(({ spec }) => spec),
    resolve,
    (edge) => NEEDED_TO_RUN(edge) && byHash.has(edge.hash),
  );
  return ordered.reverse().flatMap(({ hash }) => byHash.get(hash) ?? []);
}

/** Installed packages by the DAG hash of what they need to run. */
function parentsByHash(store: InstallStore): ReadonlyMap<string, readonly InstallRecord[]> {
  const parents = new Map<string, InstallRecord[]>();
  for (const record of store.records.values()) {
    if (!record.installed) continue;
    for (const { hash } of record.spec.dependencies.filter(NEEDED_TO_RUN)) {
      const known = parents.get(hash);
      if (known) known.push(record);
      else parents.set(hash, [record]);
    }
  }
  return parents;
}
