import { mapConcurrently } from "../base/concurrency.js";
import type { Digest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { StepProgress } from "../base/step-progress.js";
import { startStopwatch } from "../base/stopwatch.js";
import { type CacheIndex, countPackages } from "../catalog/index-document.js";
import type { IndexRecord } from "../catalog/index-record.js";
import type { IndexUpdate, WrittenIndex } from "../catalog/index-writer.js";
import { NewEntries } from "../catalog/new-entries.js";
import { type ReadIndex, readIndex, readIndexToReplace } from "../catalog/read-index.js";
import { parseRecordSpec } from "../catalog/record-spec.js";
import { readSeenTags, type SeenTags } from "../catalog/seen-tags.js";
import { readTaggedPackage, type TaggedPackage } from "../catalog/tagged-package.js";
import { changeIndex } from "../catalog/write-index.js";
import type { Store } from "../oci/store.js";
import { hashInTag, isPackageTag, packageTag } from "../spack/tag.js";

import type { UpdateIndexOptions } from "./options.js";
import { type IndexPlan, planIndex } from "./plan.js";
import type { ReindexedPackage, SkippedTag, UpdateIndexResult } from "./result.js";

const JOBS = 16;
/** The index is written after so many packages, and after that part of those that it has: together a few times its size. */
const CHECKPOINT = { packages: 1_000, share: 0.25 };
/** It is written after this time too, ms, and after so many times what the last writing took. */
const CHECKPOINT_TIME = { ms: 30_000, times: 10 };

/** One run of update-index over a cache. */
export class Reindexing {
  readonly #store: Store;
  readonly #options: UpdateIndexOptions;
  readonly #op: Op;
  readonly #elapsed: () => number = startStopwatch();
  /** What was read and isn't written yet. */
  #entries: NewEntries = new NewEntries();
  #seen = new Map<string, Digest | undefined>();
  /** DAG hashes that packages of the cache have or depend on, as far as they were read. */
  readonly #mentioned = new Set<string>();
  /** By DAG hash: tags that lead to their packages. */
  readonly #present = new Map<string, string>();
  readonly #skipped: SkippedTag[] = [];
  #read = 0;
  #checkpoint: Promise<void> | undefined;
  /** When the next checkpoint is due, in packages read and on the clock of `performance.now()`. */
  #due = { read: 0, at: 0 };

  constructor(store: Store, options: UpdateIndexOptions, op: Op) {
    this.#store = store;
    this.#options = options;
    this.#op = op;
  }

  async run(): Promise<UpdateIndexResult> {
    this.#tellStep("read-index", "reading the index");
    const before = await (this.#options.full ? readIndexToReplace : readIndex)(this.#store, this.#op);
    const seen = await readSeenTags(this.#store, before.manifest?.layers ?? [], this.#op);
    const full = this.#options.full === true || seen.rebuilding;
    if (seen.rebuilding) this.#tellStep("resume", "going on with a rebuild of the index that was stopped");
    this.#tellStep("list-tags", "listing the tags");
    const tags = await this.#packageTags();
    const plan = planIndex(before.index, seen, tags, full);
    for (const tag of plan.foreign) this.#skip(tag, foreignTag(this.#store, tag));
    for (const tag of plan.forgotten) this.#seen.set(tag, undefined);
    const changed = await this.#compare(plan, seen);
    const toRead = [...plan.read, ...changed];
    if (this.#options.dryRun) return this.#planned(before, tags.length, toRead, full);
    if (full && !seen.rebuilding) for (const tag of seen.tags.keys()) this.#seen.set(tag, undefined);
    await this.#readAll(toRead, full);
    const removed = this.#removable(before.index, full);
    const written = await this.#write({
      remove: removed,
      tagsGone: true,
      renew: full,
      seen: { tags: this.#seen, rebuilding: false },
    });
    return this.#result(before, tags.length, written, full);
  }

  async #packageTags(): Promise<string[]> {
    const tags: string[] = [];
    for await (const tag of this.#store.tags(this.#op)) if (isPackageTag(tag)) tags.push(tag);
    return tags;
  }

  /** @returns the tags whose packages have to be read because they name another manifest than before */
  async #compare({ compare }: IndexPlan, seen: SeenTags): Promise<string[]> {
    if (compare.length === 0) return [];
    this.#tellStep("compare-tags", `looking at ${compare.length} tags`);
    const progress = new StepProgress(this.#op.emit, "compare-tags", "tags", compare.length);
    const changed: string[] = [];
    await mapConcurrently(
      compare,
      this.#options.jobs ?? JOBS,
      async (tag, signal) => {
        const digest = (await this.#store.resolve(tag, { ...this.#op, signal }))?.digest;
        const known = seen.tags.get(tag);
        progress.add(1);
        if (digest === undefined) this.#seen.set(tag, undefined);
        else if (known !== undefined && known !== digest) changed.push(tag);
        else {
          if (known === undefined) this.#seen.set(tag, digest);
          this.#present.set(hashInTag(tag) ?? "", tag);
        }
      },
      this.#op.signal,
    );
    progress.end();
    return changed;
  }

  async #readAll(tags: readonly string[], full: boolean): Promise<void> {
    if (tags.length === 0) return;
    this.#tellStep("read-packages", `reading ${tags.length} packages`);
    const progress = new StepProgress(this.#op.emit, "read-packages", "packages", tags.length);
    this.#scheduleCheckpoint(0, 0);
    await mapConcurrently(
      tags,
      this.#options.jobs ?? JOBS,
      async (tag, signal) => {
        this.#take(tag, await readTaggedPackage(this.#store, tag, { ...this.#op, signal }));
        progress.add(1);
        await this.#writeCheckpoint(full);
      },
      this.#op.signal,
    );
    progress.end();
    await this.#checkpoint;
  }

  #take(tag: string, found: TaggedPackage | undefined): void {
    this.#read += 1;
    this.#seen.set(tag, found?.digest);
    if (found?.problem) this.#skip(tag, found.problem);
    if (found === undefined || found.problem) return;
    for (const entry of found.entries) {
      this.#entries.add(entry);
      this.#mentioned.add(entry.spec.hash);
      if (entry.inBuildcache) this.#present.set(entry.spec.hash, tag);
    }
  }

  #skip(tag: string, { code, message }: SpkociError): void {
    this.#skipped.push({ tag, code, message });
  }

  /** Writes what was read so far, if it is time. Readers go on meanwhile, but for the one that found that it is time. */
  async #writeCheckpoint(full: boolean): Promise<void> {
    const isDue = this.#read >= this.#due.read || performance.now() >= this.#due.at;
    if (this.#checkpoint !== undefined || !isDue) return;
    this.#checkpoint = this.#write({
      renew: full,
      seen: { tags: this.#seen, ...(full && { rebuilding: true }) },
      unfinished: true,
    })
      .then(() => undefined)
      .finally(() => {
        this.#checkpoint = undefined;
      });
    await this.#checkpoint;
  }

  /** Writes and forgets what was read. */
  async #write(update: IndexUpdate): Promise<WrittenIndex | undefined> {
    const elapsed = startStopwatch();
    const add = this.#entries.list();
    this.#entries = new NewEntries();
    this.#seen = new Map();
    const replaceBroken = this.#options.full === true;
    if (!update.unfinished) this.#tellStep("write-index", "updating the index");
    const written = await changeIndex(this.#store, { ...update, add, replaceBroken }, this.#op);
    this.#scheduleCheckpoint(written?.packages ?? 0, elapsed());
    return written;
  }

  /** @param took how long the last writing of so many packages took, ms */
  #scheduleCheckpoint(packages: number, took: number): void {
    this.#due = {
      read: this.#read + Math.max(this.#options.checkpoint ?? CHECKPOINT.packages, packages * CHECKPOINT.share),
      at: performance.now() + Math.max(CHECKPOINT_TIME.ms, CHECKPOINT_TIME.times * took),
    };
  }

  /** DAG hashes that the index has and the cache hasn't. */
  #removable({ installs }: CacheIndex, full: boolean): string[] {
    const removable: string[] = [];
    for (const [hash, { inBuildcache }] of installs) {
      if (this.#present.has(hash)) continue;
      if (inBuildcache || (full && !this.#mentioned.has(hash))) removable.push(hash);
    }
    return removable;
  }

  #planned(before: ReadIndex, tags: number, toRead: readonly string[], full: boolean): UpdateIndexResult {
    for (const tag of toRead) this.#present.set(hashInTag(tag) ?? "", tag);
    return { ...this.#result(before, tags, undefined, full), index: indexIn(before), changed: false };
  }

  #result(before: ReadIndex, tags: number, written: WrittenIndex | undefined, full: boolean): UpdateIndexResult {
    const { installs } = before.index;
    const added = [...this.#present]
      .filter(([hash]) => !installs.get(hash)?.inBuildcache)
      .map(([hash, tag]): ReindexedPackage => ({ hash, tag }));
    const removed = [...installs]
      .filter(([hash, { inBuildcache }]) => inBuildcache && !this.#present.has(hash))
      .map(([hash, record]): ReindexedPackage => ({ hash, tag: tagOf(hash, record, before.index, this.#store.name) }));
    return {
      source: this.#options.source,
      dryRun: this.#options.dryRun === true,
      full,
      index: written,
      changed: written?.digest !== before.digest,
      added,
      removed,
      skipped: this.#skipped,
      totals: {
        tags,
        read: this.#read,
        added: added.length,
        removed: removed.length,
        skipped: this.#skipped.length,
        durationMs: this.#elapsed(),
      },
    };
  }

  #tellStep(step: string, message: string): void {
    this.#op.emit?.({ type: "step", step, message });
  }
}

function indexIn({ index, digest }: ReadIndex): UpdateIndexResult["index"] {
  return digest && { digest, packages: countPackages(index) };
}

/** The tag that a package of an index should have; undefined if its record can't be read. */
function tagOf(hash: string, record: IndexRecord, index: CacheIndex, where: string): string | undefined {
  try {
    return packageTag(parseRecordSpec(hash, record, index, where));
  } catch (error) {
    if (error instanceof SpkociError) return undefined;
    throw error;
  }
}

function foreignTag(store: Store, tag: string): SpkociError {
  return new SpkociError("SPEC_INVALID", `${store.name}:${tag} ends in no DAG hash`);
}
