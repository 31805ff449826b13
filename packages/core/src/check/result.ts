import type { Digest } from "../base/digest.js";
import type { CheckLevel, FindingCode, Severity } from "./finding-codes.js";

/** One thing that is not as it should be. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** What exactly, in one line; it doesn't repeat whose it is. Names in it come from the cache. */
  readonly message: string;
  /** `name@version`, where it is about a package that is known. */
  readonly package?: string | undefined;
  /** DAG hash. */
  readonly hash?: string | undefined;
  readonly tag?: string | undefined;
  /** Of the manifest, config or layer that it is about. */
  readonly digest?: Digest | undefined;
  /** How many images need that blob, if more than one. */
  readonly images?: number | undefined;
  /** Mended by this run. */
  readonly repaired?: boolean | undefined;
}

export interface CheckResult {
  readonly source: string;
  readonly level: CheckLevel;
  /** By code, in the order of FINDING_CODES, then by tag. */
  readonly findings: readonly Finding[];
  readonly totals: {
    /** Tags of packages that were checked. */
    readonly packages: number;
    /** Other tags that were checked. */
    readonly images: number;
    /** Records of the index that were checked. */
    readonly records: number;
    /** Different layers and other blobs that were looked for or read. */
    readonly blobs: number;
    /** Bytes of layers that were read. */
    readonly bytesRead: number;
    readonly errors: number;
    readonly warnings: number;
    readonly notes: number;
    /** Findings that were mended; they are not among the counts above. */
    readonly repaired: number;
    readonly durationMs: number;
  };
}
