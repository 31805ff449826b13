import { setTimeout } from "node:timers/promises";
import type { Op } from "../base/op.js";
import { startStopwatch } from "../base/stopwatch.js";
import type { CachedSpec } from "../catalog/cached-spec.js";
import { findOverlap } from "../spack/install-layout.js";
import { type InstallRecord, type InstallStore, readInstallStore } from "../spack/install-store.js";
import { KeptDraft } from "../spack/kept-draft.js";
import {
  createStore,
  markExplicit,
  type Placement,
  placeAndRegister,
  type WriteDatabaseOptions,
} from "../spack/write-database.js";

/** Of all time, a tenth at most goes into writing the database. */
const PAUSE_FACTOR = 9;
const LONGEST_PAUSE_MS = 1000;

/** The database of the store that packages go into: made if it isn't there. */
export class StoreRegister {
  readonly #store: InstallStore;
  readonly #locking: WriteDatabaseOptions;
  readonly #written = new KeptDraft();
  /** Prefixes that are taken, by DAG hash: those of packages that were installed, and of this run's. */
  readonly #taken: Map<string, string>;
  readonly #waiting: Waiting[] = [];
  #isWriting = false;
  #noMore: Promise<unknown> = Promise.resolve();

  private constructor(store: InstallStore, locking: WriteDatabaseOptions) {
    this.#store = store;
    this.#locking = locking;
    const installed = [...store.records.values()].filter((record) => record.installed && !record.external);
    this.#taken = new Map(installed.map(({ spec, prefix }) => [spec.hash, prefix]));
  }

  /** @throws SpkociError STORAGE_FAILED, DATABASE_INVALID, DATABASE_VERSION, LOCKED */
  static async open(root: string, locking: WriteDatabaseOptions, op: Op): Promise<StoreRegister> {
    await createStore(root, locking, op);
    return new StoreRegister(await readInstallStore({ root }, op), locking);
  }

  /**
   * Until `end` settles more packages come: there are pauses between writings of the database then, long for one that takes long to write, so
   * that several packages are recorded at once.
   */
  expectMore(end: Promise<unknown>): void {
    this.#noMore = end.catch(() => {});
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
    const before = this.#taken.get(hash);
    this.#taken.delete(hash);
    const overlap = findOverlap(prefix, this.#taken.values());
    const own = overlap === undefined ? prefix : before;
    if (own !== undefined) this.#taken.set(hash, own);
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
      const elapsed = startStopwatch();
      try {
        const outcomes = await placeAndRegister(this.#store.root, take, { ...this.#locking, kept: this.#written }, op);
        for (const [at, outcome] of outcomes.entries()) {
          if ("error" in outcome) taken[at]?.failed(outcome.error);
          else taken[at]?.placed(outcome.placed);
        }
      } catch (error) {
        for (const { failed } of [...taken, ...this.#waiting.splice(0)]) failed(error);
      }
      await this.#pause(Math.min(elapsed() * PAUSE_FACTOR, LONGEST_PAUSE_MS));
    }
    this.#isWriting = false;
  }

  /** Waits so many ms, or until no more packages come. */
  async #pause(ms: number): Promise<void> {
    const over = new AbortController();
    await Promise.race([setTimeout(ms, undefined, { signal: over.signal }).catch(() => {}), this.#noMore]);
    over.abort();
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
