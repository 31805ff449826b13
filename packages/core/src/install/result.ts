import type { Digest } from "../base/digest.js";
import type { ErrorCode } from "../base/error-codes.js";

/**
 * - `install`: download, unpack, relocate, register.
 * - `skip`: installed already.
 */
export type InstallAction = "install" | "skip";

export interface PlannedInstall {
  readonly name: string;
  readonly version: string;
  /** DAG hash. */
  readonly hash: string;
  readonly action: InstallAction;
  /** The image it comes from; absent for `skip`. */
  readonly image?: string | undefined;
  /** Bytes of the compressed layer; 0 for `skip`. */
  readonly layerSize: number;
  /** Asked for by name, not only as a dependency. */
  readonly explicit: boolean;
}

/** What an install would do, dependencies first. */
export interface InstallPlan {
  readonly root: string;
  readonly packages: readonly PlannedInstall[];
}

export interface InstallResult {
  readonly root: string;
  readonly packages: readonly InstalledPackage[];
  readonly totals: {
    readonly installed: number;
    readonly skipped: number;
    readonly failed: number;
    /** Bytes of layers fetched from the sources; those in the local cache are not counted. */
    readonly bytesFetched: number;
    readonly durationMs: number;
  };
}

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly hash: string;
  readonly outcome: "installed" | "skipped" | "failed";
  /** Where it is; absent if it failed. */
  readonly prefix?: string | undefined;
  /** Digest of the image's manifest; absent unless `installed`. */
  readonly digest?: Digest | undefined;
  /** Bytes of the compressed layer; absent unless `installed`. */
  readonly layerSize?: number | undefined;
  /** Paths in the prefix of data files and archives that still name the old root: relocation leaves them alone, as Spack does. */
  readonly remains?: readonly string[] | undefined;
  readonly durationMs: number;
  readonly error?:
    | { readonly code: ErrorCode; readonly message: string; readonly hint?: string | undefined }
    | undefined;
}
