import type { CacheIndex } from "../catalog/index-document.js";
import type { Store } from "../oci/store.js";
import type { BlobRegister } from "./blob-register.js";
import { CHECK_LEVELS, type CheckLevel } from "./finding-codes.js";
import type { About, Findings } from "./findings.js";
import type { BlobReader } from "./read-blob.js";
import type { Selection } from "./selection.js";
import type { IndexedPackage } from "./survey-index.js";

/** What all parts of a check share. */
export interface CheckContext {
  readonly store: Store;
  readonly level: CheckLevel;
  readonly selection: Selection;
  readonly findings: Findings;
  readonly blobs: BlobRegister;
  readonly reader: BlobReader;
  /** Every tag of the cache. */
  readonly tags: ReadonlySet<string>;
  /** Undefined if the cache has none that can be read. */
  readonly index: CacheIndex | undefined;
  /** What the index says of packages, by tag. */
  readonly indexed: ReadonlyMap<string, IndexedPackage>;
  /** DAG hashes of records that can't be read or are of other specs. */
  readonly broken: ReadonlySet<string>;
  /** Packages that the index doesn't say are in the cache, by tag. */
  readonly unindexed: Map<string, About>;
  /** Tags of packages whose configs have what records of the index lack or have wrong. */
  readonly amending: Set<string>;
}

/** Whether a check looks as deep as `wanted`. */
export function reaches({ level }: Pick<CheckContext, "level">, wanted: CheckLevel): boolean {
  return CHECK_LEVELS.indexOf(level) >= CHECK_LEVELS.indexOf(wanted);
}
