import type { Digest } from "../base/digest.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import type { ImageConfig } from "../oci/image-config.js";
import type { Manifest } from "../oci/manifest.js";
import type { RunEnv } from "./annotations.js";
import type { AssembledImage } from "./assemble-image.js";

/** A package layer read back from an image; with a title it is an ImageLayer. */
export interface ExistingLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly dagHash: string;
}

/** A package's image as it is in a cache. */
export interface ExistingImage {
  readonly document: Document;
  readonly manifest: Manifest;
  /** DAG hash of the package; undefined for an image that is no Spack package. */
  readonly dagHash: string | undefined;
  /** The package's own layer. */
  readonly own: ExistingLayer | undefined;
  /** Written by spkoci; then `layers`, `baseLayers` and `runEnv` are complete. */
  readonly byUs: boolean;
  /** Package layers, the own one last. Spack's images don't say which layers are packages: there it is the own one alone. */
  readonly packageLayers: readonly ExistingLayer[];
  /** Undefined for an image by others. */
  readonly baseLayers: readonly Descriptor[] | undefined;
  readonly runEnv: RunEnv | undefined;
  /** Present if it had to be read: for images without spkoci's annotations. */
  readonly config: ImageConfig | undefined;
}

export declare function readExistingImage(
  document: Document,
  what: string,
  readConfig: (config: Descriptor) => Promise<ImageConfig>,
): Promise<ExistingImage>;

/** In what a planned image and the one in the cache differ; nothing if the cache's can stay. */
export type ImageDifference = "base" | "layers" | "settings" | "annotations";

export declare function compareImages(planned: AssembledImage, existing: ExistingImage): readonly ImageDifference[];
