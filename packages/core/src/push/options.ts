import type { ImageSettings } from "../image/settings.js";
import type { Compression } from "../oci/media-type.js";
import type { Platform } from "../oci/platform.js";
import type { RegistryAccess } from "../registry/access.js";

/** What a push reads, where it goes and how. Only `store`, `target`, `cacheDir` and a choice of packages are needed. */
export interface PushOptions {
  /** Root of the Spack store as Spack records it, such as `/opt/spack/opt/spack`. */
  readonly store: string;
  /** The store lies under this folder although its recorded paths start at `/`. */
  readonly sysroot?: string | undefined;
  /** Roots of upstream stores, searched after `store`. */
  readonly upstreams?: readonly string[] | undefined;

  /** Specs as Spack writes them; each must match one installed package. */
  readonly specs?: readonly string[] | undefined;
  /** Every installed package. */
  readonly all?: boolean | undefined;
  /** Folders with a spack.lock, whose roots are pushed. */
  readonly environments?: readonly string[] | undefined;
  /** Push only the chosen packages, or only their dependencies; both unless told. */
  readonly only?: "package" | "dependencies" | undefined;
  readonly withBuildDependencies?: boolean | undefined;

  /** `ghcr.io/org/cache`, `oci://…`, `oci+http://…` or `oci:DIR`. */
  readonly target: string;
  /** How registries are reached, that of the base image too. */
  readonly access?: RegistryAccess | undefined;
  /** One more image over all chosen packages, under this tag. */
  readonly tag?: string | undefined;

  /** An image to build on: `ubuntu:24.04`, `ghcr.io/org/image@sha256:…`, `oci:DIR[:TAG]`. */
  readonly baseImage?: string | undefined;
  /** Which image of a base index; unless told, the one for the packages' platform, the most portable first. */
  readonly platform?: Platform | undefined;
  readonly image?: ImageSettings | undefined;
  /** Where the images' run environment comes from: `spack` asks the recipes, `prefix` looks at folders, `auto` asks if it can. */
  readonly runEnv?: RunEnvironmentSource | undefined;
  /** The spack command for `runEnv` `spack` and `auto`: a path, or a name on `env.PATH`. */
  readonly spack?: string | undefined;
  /** Environment for the spack command. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;

  readonly compression?: Compression | undefined;
  /** 1 to 9 for gzip, 1 to 19 for zstd; unless given 4 or 5 for each block of gzip, 3 for zstd. */
  readonly compressionLevel?: number | undefined;

  /** Folder for layers on their way to the target, and for their digests; never a memory file system by default. */
  readonly cacheDir: string;
  /** Make the layers of unchanged prefixes anew too, and warn where they are not what was remembered in `cacheDir`. */
  readonly verifyCache?: boolean | undefined;
  /** Packages and transfers at once. */
  readonly jobs?: number | undefined;
  /** Rewrite packages that the target has. */
  readonly force?: boolean | undefined;
  /** Stop at the first package that fails. */
  readonly failFast?: boolean | undefined;
  /** Add what was pushed to the cache's index; true unless told. */
  readonly updateIndex?: boolean | undefined;
  /** Seconds since 1970 for the documents' times, as SOURCE_DATE_EPOCH; unless given, `archive_timestamp` is 1970 and `created` is absent. */
  readonly sourceDateEpoch?: number | undefined;
}

export type RunEnvironmentSource = "auto" | "prefix" | "spack";
