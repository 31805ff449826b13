import type { Op } from "../base/op.js";
import type { CachedSpec } from "../catalog/cached-spec.js";
import { findOverlap } from "../spack/install-layout.js";
import { type InstallRecord, type InstallStore, readInstallStore } from "../spack/install-store.js";
import {
  createStore,
  markExplicit,
  type Placement,
  placeAndRegister,
  type WriteDatabaseOptions,
} from "../spack/write-database.js";

/** The database of the store that packages go into: made if it isn't there. */
export class StoreRegister {
  readonly #store: InstallStore;
  readonly #locking: WriteDatabaseOptions;
  /** Prefixes of packages of this run. */
  readonly #claimed = new Set<string>();
  readonly #waiting: Waiting[] = [];
  #isWriting = false;

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

  /**
   * Takes a prefix for a package of this run.
   * @returns another package's prefix that is the same folder, above or below it; undefined if there is none
   */
  claim(hash: string, prefix: string): string | undefined {
    const others = [...this.#store.records.values()]
      .filter((record) => record.spec.hash !== hash && record.installed && !record.external)
      .map((record) => record.prefix);
    const overlap = findOverlap(prefix, [...others, ...this.#claimed]);
    if (overlap === undefined) this.#claimed.add(prefix);
    return overlap;
  }

  /**
   * Puts a package at its prefix by `place` and records it, unless another process has installed it meanwhile. Packages that wait for
   * the store's lock at the same time are placed and recorded together, in the order in which they came.
   * @returns whether it was placed
   */
  add(spec: CachedSpec, prefix: string, options: AddOptions, place: () => Promise<void>, op: Op): Promise<boolean> {
    const install = { spec, prefix, explicit: options.explicit, installationTime: Date.now() / 1000 };
    return new Promise((placed, failed) => {
      this.#waiting.push({ install, replace: options.replace, place, placed, failed });
      if (!this.#isWriting) void this.#writeWaiting(op);
    });
  }

  /** A failure of the database is one of every package that waits: none can be recorded. */
  async #writeWaiting(op: Op): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      let taken: readonly Waiting[] = [];
      const take = (): readonly Waiting[] => {
        taken = this.#waiting.splice(0);
        return taken;
      };
      try {
        const outcomes = await placeAndRegister(this.#store.root, take, this.#locking, op);
        for (const [at, outcome] of outcomes.entries()) {
          if ("error" in outcome) taken[at]?.failed(outcome.error);
          else taken[at]?.placed(outcome.placed);
        }
      } catch (error) {
        for (const { failed } of [...taken, ...this.#waiting.splice(0)]) failed(error);
      }
    }
    this.#isWriting = false;
  }

  /** Says of packages that were installed as dependencies before that they are wanted for themselves now. */
  async markExplicit(hashes: readonly string[], op: Op): Promise<void> {
    if (hashes.length > 0) await markExplicit(this.#store.root, hashes, true, this.#locking, op);
  }
}

/** A package that waits for the store's lock. */
interface Waiting extends Placement {
  readonly placed: (wasPlaced: boolean) => void;
  readonly failed: (error: unknown) => void;
}

export interface AddOptions {
  /** Asked for by name. */
  readonly explicit: boolean;
  /** Put it there even if it is installed. */
  readonly replace: boolean;
}

function isUsable(record: InstallRecord): boolean {
  return record.installed && record.prefix !== "";
}
