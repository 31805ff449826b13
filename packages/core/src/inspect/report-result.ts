import type { Digest } from "../base/digest.js";
import type { ErrorCode } from "../base/error-codes.js";
import type { RegistryAccess } from "../registry/access.js";
import type { Architecture, Dependency } from "../spack/concrete-spec.js";

/** What a report is made of; `source` is needed. */
export interface ReportOptions {
  /** The cache: `ghcr.io/org/cache`, `oci://…`, `oci+http://…` or `oci:DIR`. */
  readonly source: string;
  /** Specs in Spack's syntax: only packages that match one of them, and what these need to run. All packages unless given. */
  readonly queries?: readonly string[] | undefined;
  readonly access?: RegistryAccess | undefined;
  /** Images read at once; 8 unless told. */
  readonly jobs?: number | undefined;
}

/** A cache as a whole: what is in it, how large it is, what is shared, what depends on what. Sizes are bytes as they are stored. */
export interface CacheReport {
  /** The cache, as users write it. */
  readonly source: string;
  /** The packages are those of the cache's index, rather than of its tags. */
  readonly indexed: boolean;
  /** By name, version and hash. */
  readonly packages: readonly ReportedPackage[];
  /** Each once, in the order in which the packages name them. */
  readonly layers: readonly ReportedLayer[];
  /** Images that can't be read, by tag. */
  readonly broken: readonly BrokenImage[];
  readonly totals: ReportTotals;
}

export interface ReportedPackage {
  readonly name: string;
  readonly version: string;
  /** DAG hash. */
  readonly hash: string;
  /** The spec on one line, as Spack formats it. */
  readonly spec: string;
  readonly arch: Architecture;
  /** Reference to pull the image by. */
  readonly image: string;
  /** Digest of the image's manifest. */
  readonly digest: Digest;
  /** Positions in the report's `layers`, in the image's order; the last one is the package's own. */
  readonly layers: readonly number[];
  /** Bytes of the manifest and the config. */
  readonly documentSize: number;
  /** When the package was pushed or made, ISO 8601 in UTC; undefined if the image doesn't say. */
  readonly created: string | undefined;
  /** Edges of every kind, to packages that may be in the report or not. */
  readonly dependencies: readonly Dependency[];
}

export interface ReportedLayer {
  readonly digest: Digest;
  readonly size: number;
  /** Images of the report that have the layer. */
  readonly images: number;
  /** DAG hash of the package that the layer is of; undefined for one of a base image, or of a package that isn't in the report. */
  readonly package: string | undefined;
}

/** An image that the report lacks. */
export interface BrokenImage {
  readonly image: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface ReportTotals {
  readonly packages: number;
  readonly broken: number;
  /** Different layers. */
  readonly layers: number;
  /** Bytes of all layers, manifests and configs, each layer once. */
  readonly storedSize: number;
  /** Bytes that the images would have if they shared no layers. */
  readonly unsharedSize: number;
}
