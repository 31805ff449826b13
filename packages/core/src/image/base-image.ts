import type { Op } from "../base/op.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { ImageConfig } from "../oci/image-config.js";
import type { Manifest } from "../oci/manifest.js";
import type { Family } from "../oci/media-type.js";
import type { Platform } from "../oci/platform.js";
import type { Store } from "../oci/store.js";

/** An image that packages are put on. */
export interface BaseImage {
  /** As the user wrote it, for messages. */
  readonly name: string;
  /** Full reference for the annotation base.name; absent where it means nothing on another machine, as for a folder. */
  readonly reference?: string | undefined;
  /** Of the image's manifest; never of an index. */
  readonly descriptor: Descriptor;
  readonly family: Family;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly platform: Platform;
}

export interface BaseImageRequest {
  /** As the user wrote it, for messages. */
  readonly name: string;
  /** See `BaseImage.reference`. */
  readonly reference?: string | undefined;
  /** The platform the user asked for, variant and all. */
  readonly platform?: Platform | undefined;
  /** Operating system and architecture of the packages; its variant is not looked at. */
  readonly wanted: Platform;
}

export declare function readBaseImage(
  store: Store,
  reference: string,
  request: BaseImageRequest,
  op?: Op,
): Promise<BaseImage>;
