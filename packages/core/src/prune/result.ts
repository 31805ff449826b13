import type { Digest } from "../base/digest.js";

/** Why an image stays. */
export type KeepReason =
  /** A `keep` query matches the package. */
  | "query"
  /** An environment needs it. */
  | "environment"
  /** Its tag matches a `keepTags` pattern. */
  | "tag"
  /** Built within `newerThanMs`. */
  | "newer"
  /** `newerThanMs` is given, and nobody knows when it was built. */
  | "unknown-age"
  /** Written within the grace period. */
  | "grace"
  /** Something that stays depends on it. */
  | "dependency"
  /** It has a tag that isn't a package's. */
  | "other-tag"
  /** It can't be read, so nobody knows what it is. */
  | "unreadable"
  /** It is part of an image that stays, or says something about one. */
  | "part";

/** A package by its names. */
export interface PrunedPackage {
  readonly name: string;
  readonly version: string;
  /** DAG hash. */
  readonly hash: string;
}

export interface KeptPackage extends PrunedPackage {
  readonly why: KeepReason;
}

/** A manifest or index that goes. */
export interface PrunedImage {
  readonly digest: Digest;
  readonly tags: readonly string[];
  /** `referrer`: something about another image, such as a signature; `image`: anything else that isn't a package. */
  readonly kind: "package" | "referrer" | "image";
  /** Absent for what isn't a package, or is one that nothing is known of. */
  readonly package?: PrunedPackage | undefined;
  /** Bytes that are needed by nothing else: each blob is counted once, with the first image that has it. */
  readonly bytes: number;
}

/** Content of a folder. */
export interface BlobCount {
  readonly count: number;
  readonly bytes: number;
}

/** What a prune would do. */
export interface PrunePlan {
  readonly target: string;
  readonly kept: readonly KeptPackage[];
  /** Images that stay although they aren't packages: their tags, the index's not among them. */
  readonly otherTags: readonly { readonly tag: string; readonly why: KeepReason }[];
  /** In the order in which they are removed. */
  readonly images: readonly PrunedImage[];
  /** Packages that the index names although the cache doesn't have them. */
  readonly indexOnly: readonly PrunedPackage[];
  /** In a folder: content that nothing needs once the images are gone. Registries collect it themselves. */
  readonly blobs?: BlobCount | undefined;
  /** Bytes of all images that go; in a folder, of all blobs. */
  readonly bytes: number;
}

/** `left`: it, or what needs it, changed since the plan was made. */
export type PruneOutcome = "removed" | "left" | "failed";

export interface PrunedImageResult extends PrunedImage {
  readonly outcome: PruneOutcome;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string | undefined } | undefined;
}

export interface PruneResult extends Omit<PrunePlan, "images"> {
  /** False if `confirm` said no; then nothing was removed. */
  readonly confirmed: boolean;
  readonly images: readonly PrunedImageResult[];
  readonly totals: { readonly removed: number; readonly left: number; readonly failed: number; readonly bytes: number };
}
