import type { Readable } from "node:stream";
import { type Digest, requireKnown } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { type Op, throwIfAborted } from "../base/op.js";
import { collect, verified } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { BlobSource } from "../oci/store.js";
import type { LayoutBlobs } from "./layout-store.js";

/** Blobs that are read where they are, each time they are opened. One that is written is remembered and not read yet. */
export class BlobSources implements LayoutBlobs {
  readonly all: Map<Digest, BlobSource> = new Map();
  readonly #name: string;

  /** `name` is for messages. */
  constructor(name: string) {
    this.#name = name;
  }

  async sizeOf(digest: Digest): Promise<number | undefined> {
    return this.all.get(digest)?.descriptor.size;
  }

  async open(blob: Descriptor, op?: Op): Promise<Readable> {
    throwIfAborted(op);
    requireKnown(blob.digest);
    const source = this.all.get(blob.digest);
    if (source === undefined) throw new SpkociError("BLOB_NOT_FOUND", `${this.#name} has no blob ${blob.digest}`);
    return verified(await source.open(op), blob, `blob ${blob.digest} of ${this.#name}`, op?.signal);
  }

  async read(blob: Descriptor, op?: Op): Promise<Buffer | undefined> {
    if (!this.all.has(blob.digest)) return undefined;
    return collect(await this.open(blob, op), blob.size, `blob ${blob.digest} of ${this.#name}`);
  }

  async write(blob: BlobSource): Promise<void> {
    requireKnown(blob.descriptor.digest);
    this.all.set(blob.descriptor.digest, blob);
  }

  /** Nothing here is ever taken for forgotten. */
  async touch(): Promise<void> {}

  async remove(digest: Digest): Promise<boolean> {
    return this.all.delete(digest);
  }
}
