import type { Digest } from "../base/digest.js";
import type { ErrorCode } from "../base/error-codes.js";

/**
 * - `copy`: the target lacks it.
 * - `replace`: the target has another image under the tag.
 * - `skip`: the target has it.
 * - `missing`: the source doesn't have it, although its index or a package's dependencies name it.
 */
export type CopyAction = "copy" | "replace" | "skip" | "missing";

/** What a copy would do. */
export interface CopyPlan {
  readonly source: string;
  readonly target: string;
  /** Dependencies first. */
  readonly packages: readonly PlannedPackageCopy[];
  /** Images under other tags. */
  readonly images: readonly PlannedCopy[];
  /** Bytes of blobs that the target lacks, each counted once; what can be mounted within a registry is among them. */
  readonly bytes: number;
  readonly updateIndex: boolean;
}

export interface PlannedCopy {
  readonly tag: string;
  readonly action: CopyAction;
  /** Bytes of blobs that would be sent for it and for nothing before it. */
  readonly bytes: number;
}

/** A package by what its spec says. */
export interface CopiedName {
  readonly name: string;
  readonly version: string;
  /** DAG hash. */
  readonly hash: string;
}

export interface PlannedPackageCopy extends PlannedCopy, CopiedName {}

/** `copied`: sent, whether or not there was another image under the tag; the others as `CopyAction`. */
export type CopyOutcome = "copied" | "skipped" | "missing" | "failed";

export interface CopiedImage {
  readonly tag: string;
  /** The image's reference at the target. */
  readonly image: string;
  readonly outcome: CopyOutcome;
  /** Of the manifest or index; absent if it is missing or failed. */
  readonly digest?: Digest | undefined;
  /** Bytes of blobs sent for it. */
  readonly bytesSent: number;
  /** Signatures and whatever else refers to the image that the target lacked. */
  readonly referrers: number;
  readonly durationMs: number;
  readonly error?:
    | { readonly code: ErrorCode; readonly message: string; readonly hint?: string | undefined }
    | undefined;
}

export interface CopiedPackage extends CopiedImage, CopiedName {}

export interface CopyResult {
  readonly source: string;
  readonly target: string;
  /** Dependencies first. */
  readonly packages: readonly CopiedPackage[];
  /** Images under other tags. */
  readonly images: readonly CopiedImage[];
  /** The target's index as this copy left it; absent if it was left alone. */
  readonly index?: { readonly digest: Digest; readonly packages: number } | undefined;
  readonly totals: {
    readonly copied: number;
    readonly skipped: number;
    readonly missing: number;
    readonly failed: number;
    readonly referrers: number;
    /** Bytes of blobs. */
    readonly bytesSent: number;
    /** Of the tar that was written; absent for other targets, and where the file stayed as it was. */
    readonly archiveSize?: number | undefined;
    readonly durationMs: number;
  };
}
