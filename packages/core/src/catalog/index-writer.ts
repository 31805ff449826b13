import { mapConcurrently } from "../base/concurrency.js";
import type { Digest } from "../base/digest.js";
import type { ErrorCode } from "../base/error-codes.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { pause, type RetryPolicy } from "../base/retry.js";
import { blobOf, type Store } from "../oci/store.js";
import { hashInTag, INDEX_TAG, isPackageTag } from "../spack/tag.js";
import { type CacheIndex, countPackages } from "./index-document.js";
import { indexDocuments } from "./index-manifest.js";
import { type IndexChange, mergeIndex } from "./merge-index.js";
import { type ReadIndex, readIndex, readIndexToReplace } from "./read-index.js";
import { changeSeenTags, readSeenTags, type SeenChange, type SeenTags } from "./seen-tags.js";
import { readTaggedPackage, type TaggedPackage } from "./tagged-package.js";

/** What is to become of a cache's index, and of what it remembers. */
export interface IndexUpdate extends IndexChange {
  readonly seen?: SeenChange;
  /** Write over an index that can't be read; otherwise that is an error. */
  readonly replaceBroken?: boolean;
  /** The tags of removed packages are gone. One that is there was pushed since; otherwise it is about to be deleted. */
  readonly tagsGone?: boolean;
  /** The same writer's next update will look for packages of others that this one may throw out. */
  readonly unfinished?: boolean;
}

export interface WrittenIndex {
  /** Digest of the manifest that the index tag names. */
  readonly digest: Digest;
  /** Packages that the index says are in the cache. */
  readonly packages: number;
}

/** How often a writer that others overtake tries again. */
export interface Patience extends RetryPolicy {
  /** How long others have for naming packages that they have just pushed, ms, half as much or more. */
  readonly lookAgainMs: number;
}

/** Another writer moved the tag meanwhile. */
export class Overtaken extends Error {}

/** Packages of others that are read and named in their place; with more of them it is update-index's task. */
const UNNAMED_LIMIT = 500;
/** How often packages of others are waited for. */
const LOOKS = 5;
const READS_AT_ONCE = 8;
/** Refusals to list tags. Some registries have no list, or want more rights for it than for a push. */
const NOT_LISTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "ACCESS_DENIED",
  "AUTHENTICATION_REQUIRED",
  "REGISTRY_REJECTED",
  "REGISTRY_PROTOCOL",
]);

/** One update of an index, until it is there to stay. What was found out about others' packages is kept from one try to the next. */
export class IndexWriter {
  readonly #store: Store;
  readonly #update: IndexUpdate;
  readonly #patience: Patience;
  readonly #op: Op;
  /** What this writer wrote. While the tag names one of them, it is for this writer to look what others have lost by it. */
  readonly #written = new Set<Digest>();
  /** By tag: packages that others pushed and the index doesn't name. */
  readonly #found = new Map<string, TaggedPackage>();
  /** DAG hashes of those whose tags were deleted since. */
  readonly #gone = new Set<string>();
  #looks = 0;

  constructor(store: Store, update: IndexUpdate, patience: Patience, op: Op) {
    this.#store = store;
    this.#update = update;
    this.#patience = patience;
    this.#op = op;
  }

  /** @throws Overtaken or SpkociError TAG_MOVED if another writer was there meanwhile: call it again */
  async write(): Promise<WrittenIndex | undefined> {
    for (;;) {
      const read = this.#update.replaceBroken ? readIndexToReplace : readIndex;
      const before = await read(this.#store, this.#op);
      const { index, changed } = mergeIndex(before.index, this.#change());
      const seen = await this.#newlySeen(before);
      let { digest } = before;
      if (changed || seen !== undefined) digest = await this.#put(before, index, seen);
      if (digest === undefined) return undefined;
      const written = { digest, packages: countPackages(index) };
      if (this.#store.comparesTags || this.#update.unfinished || !this.#written.has(digest)) return written;
      if (await this.#isComplete(index, before, digest)) return written;
    }
  }

  #change(): IndexChange {
    const { add = [], remove = [], renew } = this.#update;
    const found = [...this.#found.values()].flatMap(({ entries }) => entries);
    return { add: [...add, ...found], remove: [...remove, ...this.#gone], ...(renew && { renew }) };
  }

  /** What the index is to remember; undefined if that stays as it is. */
  async #newlySeen({ manifest }: ReadIndex): Promise<SeenTags | undefined> {
    const { seen = {}, remove = [] } = this.#update;
    const useless = [...this.#found.values()].filter(({ problem }) => problem !== undefined);
    if (seen.tags === undefined && seen.rebuilding === undefined && remove.length + useless.length === 0)
      return undefined;
    const before = await readSeenTags(this.#store, manifest?.layers ?? [], this.#op);
    const removed = new Set(remove);
    const forgotten = [...before.tags.keys()].filter((tag) => removed.has(hashInTag(tag) ?? ""));
    const tags = new Map<string, Digest | undefined>(forgotten.map((tag) => [tag, undefined]));
    for (const [tag, digest] of seen.tags ?? []) tags.set(tag, digest);
    for (const { tag, digest } of useless) tags.set(tag, digest);
    const after = changeSeenTags(before, { ...seen, tags });
    return after === before ? undefined : after;
  }

  async #put(before: ReadIndex, index: CacheIndex, seen: SeenTags | undefined): Promise<Digest> {
    const what = `the index of ${this.#store.name}`;
    const { blobs, manifest } = indexDocuments(index, before.manifest, seen, what);
    for (const blob of blobs) await this.#store.put(blobOf(blob), this.#op);
    const { digest } = manifest.descriptor;
    await this.#store.write(manifest, { tag: INDEX_TAG, from: before.digest ?? "nothing" }, this.#op);
    this.#written.add(digest);
    if (!this.#store.comparesTags && !(await this.#isCurrent(digest))) throw new Overtaken();
    return digest;
  }

  async #isCurrent(digest: Digest): Promise<boolean> {
    return (await this.#store.resolve(INDEX_TAG, this.#op))?.digest === digest;
  }

  /**
   * Whether the index that this writer wrote last names every package of the cache. Those that it doesn't name were pushed since, and
   * their pushers will name them; or it threw them out, having replaced an index that it never saw. After a while, during which
   * pushers may name theirs, they are read, to be named by the next try.
   */
  async #isComplete(index: CacheIndex, before: ReadIndex, digest: Digest): Promise<boolean> {
    const tags = await this.#listedTags();
    if (tags === undefined) return true;
    if (this.#forgetDeleted(tags)) return false;
    const unnamed = await this.#unnamed(tags, index, before);
    if (unnamed.length === 0) return true;
    this.#looks += 1;
    if (unnamed.length > UNNAMED_LIMIT || this.#looks > LOOKS) {
      this.#warn(unnamed.length);
      return true;
    }
    await pause(this.#patience.lookAgainMs * (0.5 + Math.random()), this.#op);
    if (!(await this.#isCurrent(digest))) return false;
    await this.#read(await this.#unnamed(await this.#packageTags(), index, before));
    return false;
  }

  /** The package tags; undefined, with a warning, where the registry doesn't tell them: this writer's own change is written all the same. */
  async #listedTags(): Promise<Set<string> | undefined> {
    try {
      return await this.#packageTags();
    } catch (error) {
      if (!(error instanceof SpkociError) || !NOT_LISTED.has(error.code)) throw error;
      const message = `what others have pushed to ${this.#store.name} can't be looked for: ${error.message}`;
      this.#op.emit?.({
        type: "warning",
        message,
        hint: "The index is written. If others pushed at the same time, run `spkoci update-index`.",
      });
      return undefined;
    }
  }

  async #packageTags(): Promise<Set<string>> {
    const tags = new Set<string>();
    for await (const tag of this.#store.tags(this.#op)) if (isPackageTag(tag)) tags.add(tag);
    return tags;
  }

  /** Gives up packages that were named for others and that have been deleted since. False if there are none. */
  #forgetDeleted(tags: ReadonlySet<string>): boolean {
    const deleted = [...this.#found.keys()].filter((tag) => !tags.has(tag));
    for (const tag of deleted) {
      this.#found.delete(tag);
      this.#gone.add(hashInTag(tag) ?? "");
    }
    return deleted.length > 0;
  }

  /** Tags of packages that the index doesn't name, without those that lead to no package. */
  async #unnamed(tags: ReadonlySet<string>, index: CacheIndex, { manifest }: ReadIndex): Promise<string[]> {
    const removed = new Set(this.#update.tagsGone ? [] : this.#update.remove);
    const unnamed = [...tags].filter((tag) => {
      const hash = hashInTag(tag);
      return hash !== undefined && !removed.has(hash) && !index.installs.get(hash)?.inBuildcache;
    });
    if (unnamed.length === 0) return [];
    const seen = await readSeenTags(this.#store, manifest?.layers ?? [], this.#op);
    const isNew = await mapConcurrently(
      unnamed,
      READS_AT_ONCE,
      async (tag, signal) => {
        const known = this.#found.get(tag)?.digest ?? seen.tags.get(tag);
        return known === undefined || known !== (await this.#store.resolve(tag, { ...this.#op, signal }))?.digest;
      },
      this.#op.signal,
    );
    return unnamed.filter((_, at) => isNew[at]);
  }

  async #read(tags: readonly string[]): Promise<void> {
    this.#op.emit?.({ type: "step", step: "write-index", message: `naming ${tags.length} packages of other pushes` });
    const read = await mapConcurrently(
      tags,
      READS_AT_ONCE,
      (tag, signal) => readTaggedPackage(this.#store, tag, { ...this.#op, signal }),
      this.#op.signal,
    );
    for (const one of read) if (one !== undefined) this.#found.set(one.tag, one);
  }

  #warn(count: number): void {
    this.#op.emit?.({
      type: "warning",
      message: `the index of ${this.#store.name} doesn't name ${count} packages that others have pushed`,
      hint: "Their pushes may be under way; if not, `spkoci update-index` names them.",
    });
  }
}
