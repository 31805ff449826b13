import type { Digest } from "../base/digest.js";
import type { ErrorCode } from "../base/error-codes.js";

/** A package that came into the index or went out of it. */
export interface ReindexedPackage {
  /** DAG hash. */
  readonly hash: string;
  /** Its tag in the cache, or the one that it had; undefined if the index didn't say enough. */
  readonly tag: string | undefined;
}

/** A tag that ends as packages' tags do and leads to none. */
export interface SkippedTag {
  readonly tag: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface UpdateIndexResult {
  /** The cache, as it was named. */
  readonly source: string;
  readonly dryRun: boolean;
  /** Every package was read, not only what the index lacked. */
  readonly full: boolean;
  /** The index as it is now; undefined if the cache has none. */
  readonly index: { readonly digest: Digest; readonly packages: number } | undefined;
  /** Whether anything was written. */
  readonly changed: boolean;
  /** With `dryRun`, those that would be read: some may turn out to be broken. */
  readonly added: readonly ReindexedPackage[];
  readonly removed: readonly ReindexedPackage[];
  readonly skipped: readonly SkippedTag[];
  readonly totals: {
    /** Tags of packages in the cache. */
    readonly tags: number;
    /** Packages whose configs were read. */
    readonly read: number;
    readonly added: number;
    readonly removed: number;
    readonly skipped: number;
    readonly durationMs: number;
  };
}
