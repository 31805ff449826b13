import type { Digest } from "../base/digest.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { About } from "./findings.js";
import type { BlobFault } from "./read-blob.js";

/** A blob that images name. */
export interface KnownBlob {
  readonly descriptor: Descriptor;
  /** Tags of the images, in the order in which they were read. */
  readonly tags: string[];
  /** The package whose own layer it is. */
  owner: About | undefined;
  /** What configs say that it unpacks to, each with the first image that says so. Empty for what is no layer. */
  readonly diffIds: { readonly diffId: Digest; readonly tag: string }[];
  /** What is known of it. */
  state: BlobState;
}

/**
 * - `unknown`: it wasn't looked at.
 * - `there`: it is; what it unpacks to is not known.
 * - a digest: it is sound, and unpacks to a tar of this digest.
 * - a fault: what is wrong with it.
 */
export type BlobState = "unknown" | "there" | Digest | BlobFault;

/** Every blob that was met, once, however many images share it. */
export class BlobRegister {
  readonly #blobs = new Map<string, KnownBlob>();

  /** Notes that an image names a blob. A digest with another size is another blob: one of the two can't be there. */
  add(descriptor: Descriptor, tag: string, diffId?: Digest): KnownBlob {
    const { mediaType, digest, size } = descriptor;
    const key = `${digest} ${size}`;
    let blob = this.#blobs.get(key);
    if (blob === undefined) {
      // Annotations are left out: there are many blobs.
      blob = { descriptor: { mediaType, digest, size }, tags: [], owner: undefined, diffIds: [], state: "unknown" };
      this.#blobs.set(key, blob);
    }
    if (blob.tags.at(-1) !== tag) blob.tags.push(tag);
    const isNew = diffId !== undefined && !blob.diffIds.some((known) => known.diffId === diffId);
    if (isNew) blob.diffIds.push({ diffId, tag });
    return blob;
  }

  get size(): number {
    return this.#blobs.size;
  }

  all(): KnownBlob[] {
    return [...this.#blobs.values()];
  }
}
