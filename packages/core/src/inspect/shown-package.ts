import type { Digest } from "../base/digest.js";
import type { Dependency } from "../spack/concrete-spec.js";
import type { Libc } from "../spack/libc.js";
import type { Fit } from "../spack/rank.js";
import type { TreeState } from "./dependency-tree.js";
import type { PackageDescription } from "./describe-package.js";

/** A package's image in a cache, in plain data. Sizes are bytes. */
export interface ShownPackage {
  /** The cache's name. */
  readonly source: string;
  /** Reference to pull the image by. */
  readonly image: string;
  /** Digest of the image's manifest. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** Go's names, as container engines have them: `linux/amd64`. */
  readonly platform: string;
  /** When the package was pushed or made, ISO 8601 in UTC; undefined if the image doesn't say. */
  readonly created?: string | undefined;
  readonly package: PackageDescription;
  /** The newest C library that it or what it needs was built with; "none" if it needs none. */
  readonly libc: Libc | "none" | "unknown";
  /** Whether it runs on this machine, and why not. */
  readonly fit: Fit;
  /** What lies below the packages' layers; undefined if there is nothing. */
  readonly base?: ShownBase | undefined;
  /** In the image's order; the last one is the package's own. */
  readonly layers: readonly ShownLayer[];
  readonly totals: LayerTotals;
  readonly run: RunSettings;
  /** Of every kind, in Spack's order. */
  readonly dependencies: readonly ShownDependency[];
  /** What it needs to run, directly or not, and the cache doesn't have; external packages are left out. */
  readonly missing: readonly PackageName[];
  /** Packages of the cache that need this one to run; undefined if the cache has no index, which would tell. */
  readonly dependents?: readonly PackageName[] | undefined;
}

export interface PackageName {
  readonly name: string;
  readonly version?: string | undefined;
  /** DAG hash. */
  readonly hash: string;
}

export interface ShownBase {
  /** Reference and digest of the base image, where the image says them. */
  readonly name?: string | undefined;
  readonly digest?: string | undefined;
  readonly layers: number;
  readonly size: number;
}

export interface ShownLayer {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  /** Bytes of the plain tar; null if the layer was not read. */
  readonly plainSize: number | null;
  /** Undefined for a base image's layer, and for one of which nothing tells whose it is. */
  readonly package?: PackageName | undefined;
  readonly kind: "package" | "base" | "unknown";
  /** Other images of the cache that have the layer: of its package, and of those that need it. Undefined if the cache has no index. */
  readonly sharedBy?: number | undefined;
}

export interface LayerTotals {
  readonly size: number;
  /** Null if one of the layers was not read. */
  readonly plainSize: number | null;
}

/** How a container of the image runs. */
export interface RunSettings {
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ShownDependency extends Dependency {
  readonly version?: string | undefined;
  readonly state: TreeState;
}
