import type { RawJson } from "../base/json.js";
import type { Platform } from "../oci/platform.js";
import type { EnvModification } from "../spack/env-modification.js";
import type { RunEnv } from "./annotations.js";
import type { BaseImage } from "./base-image.js";
import type { ImageLayer } from "./image-layer.js";
import type { ImageSettings } from "./settings.js";

/** A package's spec file, embedded in the config of its image. */
export interface EmbeddedSpec {
  /** The value of spec.json's `spec`, with all nodes, as Spack wrote it. */
  readonly json: RawJson;
  /** `_meta.version` of it. */
  readonly version: number;
}

/** Everything that an image is made of. The same plan gives the same bytes. */
export interface ImagePlan {
  readonly base?: BaseImage | undefined;
  /** Package layers, dependencies first; with `spec` the last one is that package's own. */
  readonly layers: readonly ImageLayer[];
  /** Makes the image a package that Spack installs from a cache; absent for an image over several packages. */
  readonly spec?: EmbeddedSpec | undefined;
  /** The run environment, in the order in which it is applied. */
  readonly environment: readonly EnvModification[];
  readonly runEnv: RunEnv;
  readonly settings?: ImageSettings | undefined;
  /** Platform of the packages; an image with a base says what the base says. */
  readonly platform: Platform;
  readonly title?: string | undefined;
  readonly version?: string | undefined;
  readonly description?: string | undefined;
  /** Seconds since 1970. */
  readonly sourceDateEpoch?: number | undefined;
}
