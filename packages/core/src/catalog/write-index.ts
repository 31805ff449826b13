import type { Digest } from "../base/digest.js";
import type { Op } from "../base/op.js";
import type { Store } from "../oci/store.js";
import type { IndexEntry } from "./merge-index.js";

export interface WrittenIndex {
  /** Digest of the manifest that the index tag names. */
  readonly digest: Digest;
  /** Packages that the index says are in the cache. */
  readonly packages: number;
}

export declare function addToIndex(store: Store, entries: readonly IndexEntry[], op?: Op): Promise<WrittenIndex>;
