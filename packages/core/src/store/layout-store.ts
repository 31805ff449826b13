import type { Readable } from "node:stream";
import { Flights } from "../base/concurrency.js";
import { type Digest, isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { type Op, throwIfAborted } from "../base/op.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { OCI_INDEX, OCI_MANIFEST } from "../oci/media-type.js";
import { type Referrer, readReferrer } from "../oci/referrer.js";
import { type BlobSource, blobOf, MANIFEST_LIMIT, type Staging, type Store, type WriteOptions } from "../oci/store.js";
import { checkDocument } from "./check-document.js";
import { type IndexPlace, type LayoutEntries, LayoutIndex } from "./layout-index.js";

/** Where the blobs of a layout are. */
export interface LayoutBlobs {
  readonly staging?: Staging;
  /** Bytes of a blob, undefined if there is none. */
  sizeOf(digest: Digest): Promise<number | undefined>;
  /** @throws SpkociError BLOB_NOT_FOUND; the stream fails with SIZE_MISMATCH or DIGEST_MISMATCH */
  open(blob: Descriptor, op?: Op): Promise<Readable>;
  /** A small blob whole, checked; undefined if there is none. */
  read(blob: Descriptor, op?: Op): Promise<Buffer | undefined>;
  /** Takes a blob that nobody sees before it is whole and checked. */
  write(blob: BlobSource, op?: Op): Promise<void>;
  /** Makes a blob as young as one that is written now, so that nobody takes it for forgotten. */
  touch(digest: Digest): Promise<void>;
  /** Removes a blob. False if there was none. */
  remove(digest: Digest): Promise<boolean>;
}

/** Blobs, and an index.json that names documents among them, as a Store. */
export class LayoutStore implements Store {
  readonly name: string;
  readonly comparesTags: boolean = true;
  readonly staging: Staging | undefined;
  readonly #blobs: LayoutBlobs;
  readonly #index: LayoutIndex;
  readonly #flights = new Flights<Digest, void>();

  /** What listed documents refer to, by digest; false for those without a subject. */
  readonly #subjects = new Map<Digest, Referrer | false>();

  /** What refers to each digest, by the entries of the index that it was found in. */
  #referrers:
    | { readonly entries: LayoutEntries; readonly bySubject: ReadonlyMap<Digest, readonly Descriptor[]> }
    | undefined;

  /** `name` is for messages. */
  constructor(name: string, blobs: LayoutBlobs, index: IndexPlace) {
    this.name = name;
    this.#blobs = blobs;
    this.staging = blobs.staging;
    this.#index = new LayoutIndex(index);
  }

  async has(blob: Descriptor, op?: Op): Promise<boolean> {
    throwIfAborted(op);
    return (await this.#blobs.sizeOf(blob.digest)) === blob.size;
  }

  open(blob: Descriptor, op?: Op): Promise<Readable> {
    return this.#blobs.open(blob, op);
  }

  async put(blob: BlobSource, op?: Op): Promise<void> {
    const { digest } = blob.descriptor;
    await this.#flights.run(digest, () => this.#take(blob, op).finally(() => this.#flights.forget(digest)), op?.signal);
  }

  async #take(blob: BlobSource, op: Op | undefined): Promise<void> {
    if (await this.has(blob.descriptor, op)) await this.#blobs.touch(blob.descriptor.digest);
    else await this.#blobs.write(blob, op);
  }

  async resolve(reference: string, op?: Op): Promise<Descriptor | undefined> {
    return (await this.read(reference, op))?.descriptor;
  }

  async read(reference: string, op?: Op): Promise<Document | undefined> {
    throwIfAborted(op);
    const { byTag, byDigest } = await this.#index.entries();
    const entry = isDigest(reference) ? byDigest.get(reference) : byTag.get(reference);
    if (!entry) return isDigest(reference) ? this.#readUnlisted(reference, op) : undefined;
    const descriptor = { mediaType: entry.mediaType, digest: entry.digest, size: entry.size };
    if (descriptor.size > MANIFEST_LIMIT) throw tooLarge(this.name, reference);
    const bytes = await this.#blobs.read(descriptor, op);
    return bytes && { descriptor, bytes };
  }

  /** A manifest that only an index names: its media type is what it says itself, or what its members tell. */
  async #readUnlisted(digest: Digest, op: Op | undefined): Promise<Document | undefined> {
    const size = await this.#blobs.sizeOf(digest);
    if (size === undefined || size > MANIFEST_LIMIT) return undefined;
    const bytes = await this.#blobs.read({ mediaType: "", digest, size }, op);
    const mediaType = bytes && mediaTypeOf(bytes);
    return bytes && mediaType ? { descriptor: { mediaType, digest, size }, bytes } : undefined;
  }

  async write(document: Document, options: WriteOptions = {}, op?: Op): Promise<void> {
    checkDocument(document);
    await this.put(blobOf(document), op);
    const { tag, from } = options;
    if (tag !== undefined) await this.#index.setTag(tag, document.descriptor, from, op);
    else if (readReferrer(document) !== undefined) await this.#index.list(document.descriptor, op);
  }

  /** What no entry lists any more is found by its digest as long as its file is there. */
  async delete(reference: string, op?: Op): Promise<boolean> {
    throwIfAborted(op);
    const wasListed = await this.#index.remove(reference, op);
    if (!isDigest(reference)) return wasListed;
    return (await this.#blobs.remove(reference)) || wasListed;
  }

  async referrers(digest: Digest, op?: Op): Promise<readonly Descriptor[]> {
    const entries = await this.#index.entries();
    if (this.#referrers?.entries !== entries) {
      this.#referrers = { entries, bySubject: await this.#groupReferrers(entries, op) };
    }
    return this.#referrers.bySubject.get(digest) ?? [];
  }

  async #groupReferrers(entries: LayoutEntries, op: Op | undefined): Promise<Map<Digest, Descriptor[]>> {
    const bySubject = new Map<Digest, Descriptor[]>();
    for (const listed of entries.byDigest.keys()) {
      const referrer = this.#subjects.get(listed) ?? (await this.#readSubject(listed, op));
      if (referrer) bySubject.set(referrer.subject, [...(bySubject.get(referrer.subject) ?? []), referrer.descriptor]);
    }
    return bySubject;
  }

  /** A digest always stands for the same document, so each is read once. */
  async #readSubject(listed: Digest, op: Op | undefined): Promise<Referrer | false> {
    const document = await this.read(listed, op);
    if (document === undefined) return false;
    const referrer = readReferrer(document) ?? false;
    this.#subjects.set(listed, referrer);
    return referrer;
  }

  async *tags(op?: Op): AsyncIterable<string> {
    throwIfAborted(op);
    yield* (await this.#index.entries()).byTag.keys();
  }
}

/** The media type of bytes that are a manifest or an index; undefined for anything else. */
function mediaTypeOf(bytes: Uint8Array): string | undefined {
  let value: Partial<Record<"mediaType" | "manifests" | "layers" | "config", unknown>> | null;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
  const isIndex = Array.isArray(value?.manifests);
  const isManifest = Array.isArray(value?.layers) && typeof value?.config === "object";
  if (!isIndex && !isManifest) return undefined;
  if (typeof value?.mediaType === "string") return value.mediaType;
  return isIndex ? OCI_INDEX : OCI_MANIFEST;
}

function tooLarge(name: string, reference: string): SpkociError {
  return new SpkociError("DOCUMENT_TOO_LARGE", `${reference} in ${name} is larger than ${MANIFEST_LIMIT} bytes`);
}
