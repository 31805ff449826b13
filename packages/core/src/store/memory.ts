import type { Readable } from "node:stream";
import { Flights } from "../base/concurrency.js";
import { type Digest, isDigest, requireKnown } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { type Op, throwIfAborted } from "../base/op.js";
import { collect, readableOf, verified } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { readReferrer } from "../oci/referrer.js";
import type { BlobSource, Store, WriteOptions } from "../oci/store.js";
import { tagMoved } from "../oci/tag-moved.js";
import { checkDocument } from "./check-document.js";

/** A store that lives as long as the object, for tests and small things. */
export class MemoryStore implements Store {
  readonly name: string;
  readonly comparesTags: boolean = true;
  readonly #blobs = new Map<Digest, Uint8Array>();
  readonly #documents = new Map<Digest, Document>();
  readonly #tags = new Map<string, Digest>();
  readonly #flights = new Flights<Digest, void>();

  constructor(name = "memory") {
    this.name = name;
  }

  async has(blob: Descriptor, op?: Op): Promise<boolean> {
    throwIfAborted(op);
    return this.#blobs.get(blob.digest)?.length === blob.size;
  }

  async open(blob: Descriptor, op?: Op): Promise<Readable> {
    throwIfAborted(op);
    requireKnown(blob.digest);
    const bytes = this.#blobs.get(blob.digest);
    if (!bytes) throw new SpkociError("BLOB_NOT_FOUND", `${this.name} has no blob ${blob.digest}`);
    return verified(readableOf(bytes), blob, `blob ${blob.digest} of ${this.name}`, op?.signal);
  }

  async put(blob: BlobSource, op?: Op): Promise<void> {
    const { digest } = blob.descriptor;
    requireKnown(digest);
    await this.#flights.run(digest, () => this.#take(blob, op).finally(() => this.#flights.forget(digest)), op?.signal);
  }

  async #take(blob: BlobSource, op: Op | undefined): Promise<void> {
    const { descriptor } = blob;
    if (await this.has(descriptor, op)) return;
    const what = `blob ${descriptor.digest}`;
    const stream = verified(await blob.open(op), descriptor, what, op?.signal);
    const bytes = await collect(stream, descriptor.size, what);
    this.#blobs.set(descriptor.digest, bytes);
  }

  async resolve(reference: string, op?: Op): Promise<Descriptor | undefined> {
    return (await this.read(reference, op))?.descriptor;
  }

  async read(reference: string, op?: Op): Promise<Document | undefined> {
    throwIfAborted(op);
    const digest = isDigest(reference) ? reference : this.#tags.get(reference);
    return digest === undefined ? undefined : this.#documents.get(digest);
  }

  async write(document: Document, { tag, from }: WriteOptions = {}, op?: Op): Promise<void> {
    throwIfAborted(op);
    checkDocument(document);
    if (tag !== undefined && from !== undefined && (this.#tags.get(tag) ?? "nothing") !== from) {
      throw tagMoved(this.name, tag);
    }
    const { mediaType, digest, size } = document.descriptor;
    this.#documents.set(digest, { descriptor: { mediaType, digest, size }, bytes: document.bytes });
    if (tag !== undefined) this.#tags.set(tag, digest);
  }

  async delete(reference: string, op?: Op): Promise<boolean> {
    throwIfAborted(op);
    if (!isDigest(reference)) return this.#tags.delete(reference);
    for (const [tag, digest] of this.#tags) if (digest === reference) this.#tags.delete(tag);
    return this.#documents.delete(reference);
  }

  async referrers(digest: Digest, op?: Op): Promise<readonly Descriptor[]> {
    throwIfAborted(op);
    const referrers = [...this.#documents.values()].map(readReferrer);
    return referrers.flatMap((one) => (one?.subject === digest ? [one.descriptor] : []));
  }

  async *tags(op?: Op): AsyncIterable<string> {
    throwIfAborted(op);
    yield* [...this.#tags.keys()];
  }
}
