import type { Op } from "../base/op.js";
import { type InstallRecord, type InstallStore, readInstallStore } from "../spack/install-store.js";
import { createStore, registerInstalls, type WriteDatabaseOptions } from "../spack/write-database.js";
import type { CachedSpec } from "./cached-spec.js";

/** The database of the store that packages go into: made if it isn't there. */
export class StoreRegister {
  readonly #store: InstallStore;
  readonly #locking: WriteDatabaseOptions;

  private constructor(store: InstallStore, locking: WriteDatabaseOptions) {
    this.#store = store;
    this.#locking = locking;
  }

  /** @throws SpkociError STORAGE_FAILED, DATABASE_INVALID, DATABASE_VERSION, LOCKED */
  static async open(root: string, locking: WriteDatabaseOptions, op: Op): Promise<StoreRegister> {
    await createStore(root, locking, op);
    return new StoreRegister(await readInstallStore({ root }, op), locking);
  }

  /** The prefix of a package that was installed, or known as external, when the run began. */
  prefixOf(hash: string): string | undefined {
    const record = this.#store.records.get(hash);
    return record && isUsable(record) ? record.prefix : undefined;
  }

  /** Prefixes of other packages, which a new one must not lie in or above. */
  prefixesBut(hash: string): string[] {
    const others = [...this.#store.records.values()].filter(
      (record) => record.spec.hash !== hash && record.installed && !record.external,
    );
    return others.map((record) => record.prefix);
  }

  /** Records a package that lies whole at its prefix. */
  async add(spec: CachedSpec, prefix: string, explicit: boolean, op: Op): Promise<void> {
    const install = { spec, prefix, explicit, installationTime: Date.now() / 1000 };
    await registerInstalls(this.#store.root, [install], this.#locking, op);
  }
}

function isUsable(record: InstallRecord): boolean {
  return record.installed && record.prefix !== "";
}
