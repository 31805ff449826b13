import type { Digest } from "../base/digest.js";
import type { Descriptor } from "../oci/descriptor.js";

/**
 * A package's layer as it lies in a registry or folder. Only media type, digest and size of the descriptor matter.
 */
export interface ImageLayer {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed tarball. */
  readonly diffId: Digest;
  /** DAG hash of the package. */
  readonly dagHash: string;
  /** The text of LAYER_PATH_OFFSETS, if it is known. */
  readonly pathOffsets?: string | undefined;
  /** `name@version`, for the image's history. */
  readonly title: string;
}
