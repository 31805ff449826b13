import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { type Retryable, withRetry } from "../base/retry.js";
import type { Store } from "../oci/store.js";
import { type IndexUpdate, IndexWriter, Overtaken, type Patience, type WrittenIndex } from "./index-writer.js";
import type { IndexEntry } from "./merge-index.js";

const PATIENCE: Patience = { attempts: 25, baseMs: 100, maxMs: 3_000, lookAgainMs: 1_000 };

/** Names packages in the cache's index, as `changeIndex` does. */
export async function addToIndex(
  store: Store,
  entries: readonly IndexEntry[],
  op: Op = {},
  patience: Patience = PATIENCE,
): Promise<WrittenIndex | undefined> {
  return changeIndex(store, { add: entries }, op, patience);
}

/**
 * Changes the cache's index so that nothing of what others write at the same time is lost (docs/index-protocol.md). Nothing is
 * written if the index says all of it already. The tags of packages that are added must be there; those of packages that are
 * removed are deleted afterwards, and then the same change is made once more, because another writer may have named them again
 * while they were there. Undefined if nothing is added and there is no index.
 * @throws SpkociError INDEX_BUSY if other writers keep moving the tag, and what reading the index throws.
 */
export async function changeIndex(
  store: Store,
  update: IndexUpdate,
  op: Op = {},
  patience: Patience = PATIENCE,
): Promise<WrittenIndex | undefined> {
  const writer = new IndexWriter(store, update, patience, op);
  try {
    return await withRetry(`the index of ${store.name}`, () => writer.write(), retryable, patience, op);
  } catch (error) {
    if (!isOvertaken(error)) throw error;
    throw new SpkociError("INDEX_BUSY", `the index of ${store.name} is being written by others all the time`, {
      hint: "Try again later. Packages that were pushed are there, and `spkoci update-index` names them.",
    });
  }
}

function retryable(error: unknown): Retryable {
  return isOvertaken(error) ? { retry: true, reason: "another writer changed it" } : { retry: false };
}

function isOvertaken(error: unknown): boolean {
  return error instanceof Overtaken || (error instanceof SpkociError && error.code === "TAG_MOVED");
}
