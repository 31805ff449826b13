import type { Digest } from "../base/digest.js";
import type { ErrorCode } from "../base/error-codes.js";

/** What a push would do, as plain data: printed by `--dry-run`. */
export interface PushPlan {
  readonly target: string;
  readonly packages: readonly PlannedPackage[];
  /** The base image for each platform of the packages; none without `baseImage`. */
  readonly bases: readonly PlannedBase[];
  /** The image over all chosen packages (`tag`). */
  readonly image?: { readonly image: string; readonly packages: readonly string[] } | undefined;
  readonly updateIndex: boolean;
}

export interface PlannedBase {
  readonly reference: string;
  /** Digest of the image's manifest. */
  readonly digest: Digest;
  /** `linux/amd64`. */
  readonly platform: string;
}

/**
 * - `push`: a layer is made and sent, then config and manifest.
 * - `rewrite`: the target has the layer; only config and manifest are written.
 * - `skip`: the target has the image as it would be.
 * - `fail`: the package can't be pushed; `problem` says why.
 */
export type PackageAction = "push" | "rewrite" | "skip" | "fail";

export interface PlannedPackage {
  readonly name: string;
  readonly version: string;
  /** DAG hash. */
  readonly hash: string;
  /** Install prefix as recorded. */
  readonly prefix: string;
  readonly tag: string;
  /** The image's reference: `ghcr.io/org/cache:TAG`. */
  readonly image: string;
  readonly action: PackageAction;
  /** One line: why this action. */
  readonly reason: string;
  /** DAG hashes of the layers over the base image, dependencies first, the package last. */
  readonly layers: readonly string[];
  /** Link and run dependencies whose layers the image will lack, because the cache doesn't have them. */
  readonly missing: readonly string[];
  /** Bytes of the prefix's files that are read for the layer; 0 unless the action is `push`. */
  readonly prefixSize: number;
  readonly problem?: Problem | undefined;
}

/** An error as plain data. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
}

export type PackageOutcome = "pushed" | "rewritten" | "skipped" | "failed";

export interface PackageResult {
  readonly name: string;
  readonly version: string;
  readonly hash: string;
  readonly tag: string;
  readonly image: string;
  readonly outcome: PackageOutcome;
  /** Digest of the manifest; absent if the package failed. */
  readonly digest?: Digest | undefined;
  /** Bytes of the package's own layer, compressed; absent if the package failed. */
  readonly layerSize?: number | undefined;
  readonly durationMs: number;
  readonly error?: Problem | undefined;
}

export interface PushResult {
  readonly target: string;
  readonly packages: readonly PackageResult[];
  /** The image over all chosen packages; absent unless `tag` was given and every package of it is there. */
  readonly image?: { readonly image: string; readonly digest: Digest } | undefined;
  /** The index as this push left it; absent if it was left alone. */
  readonly index?: { readonly digest: Digest; readonly packages: number } | undefined;
  readonly totals: PushTotals;
}

export interface PushTotals {
  readonly pushed: number;
  readonly rewritten: number;
  readonly skipped: number;
  readonly failed: number;
  /** Bytes of blobs sent to the target. */
  readonly bytesSent: number;
  readonly durationMs: number;
}
