import type { Readable } from "node:stream";
import type { Digest } from "../base/digest.js";
import type { Op } from "../base/op.js";
import { readableOf } from "../base/streams.js";
import type { Descriptor } from "./descriptor.js";
import type { Document } from "./document.js";

/** Content that can be opened again and again, so that retry and copy are simple. */
export interface BlobSource {
  readonly descriptor: Descriptor;
  /** A new stream from the first byte. The caller reads it to its end or destroys it. */
  open(op?: Op): Promise<Readable>;
  /**
   * Gives away a file that has exactly these bytes, as its maker knows, at a path that the store's `staging` named: `put` moves it
   * to its place and doesn't read it.
   */
  take?(): string;
  /** Whether streams of `open` themselves fail unless they have the descriptor's digest and size: a store needn't check them again. */
  readonly isChecked?: boolean;
}

/** A blob that is still being made. */
export interface GrowingBlob {
  /** A new stream from the first byte, which waits for what is still to come. It fails when the making does. */
  open(op?: Op): Promise<Readable>;
  /** What the blob has become. Rejects when the making fails. */
  readonly finished: Promise<Descriptor>;
}

/** Where files are made that a store takes by moving them. */
export interface Staging {
  readonly folder: string;
  /** Path of a new file in the folder, for the caller to create. One that is forgotten is removed some day. */
  newFile(): string;
}

/**
 * A place where blobs and manifests live: memory, an OCI image-layout folder, a repository of a registry.
 * One contract suite (test/contract) holds for all of them.
 *
 * Blobs are streams of any size; manifests and indexes are small documents that can carry a tag.
 * Absence is a value (`false`, `undefined`), except for `open`, which throws BLOB_NOT_FOUND.
 */
export interface Store {
  /** For messages: `ghcr.io/org/cache`, `oci:/path`. */
  readonly name: string;

  /** True where `write` never moves a tag that isn't at `from`, whatever others do at the same time. Registries don't promise that. */
  readonly comparesTags?: boolean;

  /** Whether the blob is here, with the size it should have. */
  has(blob: Descriptor, op?: Op): Promise<boolean>;

  /**
   * A blob's bytes, verified while they are read: the stream ends well only if size and digest are right, else it fails with
   * SIZE_MISMATCH or DIGEST_MISMATCH.
   * @throws SpkociError BLOB_NOT_FOUND, DOCUMENT_INVALID for a digest of an unknown algorithm: nobody has such a blob, and none is taken
   */
  open(blob: Descriptor, op?: Op): Promise<Readable>;

  /**
   * Takes a blob. Idempotent: one that is here already is not read. Content with another size or digest than the descriptor
   * says is refused (SIZE_MISMATCH, DIGEST_MISMATCH) and leaves nothing. Calls for one digest at the same time share one transfer.
   */
  put(blob: BlobSource, op?: Op): Promise<void>;

  /**
   * Takes a blob while it is being made. False, leaving nothing, if the store doesn't take this one that way: `put` it once it is whole.
   * Where something passing was the reason, the store may have the blob all the same.
   * @throws what the blob fails with, and the abort's reason
   */
  putGrowing?(blob: GrowingBlob, op?: Op): Promise<boolean>;

  /** Set where files can become blobs by being moved. */
  readonly staging?: Staging | undefined;

  /** The descriptor of the manifest or index that a tag or digest names; undefined if there is none. */
  resolve(reference: string, op?: Op): Promise<Descriptor | undefined>;

  /**
   * The manifest or index that a tag or digest names, its bytes checked against the digest; undefined if there is none.
   * At most MANIFEST_LIMIT bytes are read.
   */
  read(reference: string, op?: Op): Promise<Document | undefined>;

  /**
   * Takes a manifest or index whose blobs are here, and moves `tag` to it if one is given. One with a `subject` is a referrer of it.
   * @throws SpkociError TAG_MOVED, having moved nothing, where the store can tell that the tag isn't at `from`
   */
  write(document: Document, options?: WriteOptions, op?: Op): Promise<void>;

  /**
   * Removes a tag; or the manifest or index of a digest, with every tag that names it. Blobs stay. False if it wasn't there.
   * @throws SpkociError DELETE_UNSUPPORTED
   */
  delete(reference: string, op?: Op): Promise<boolean>;

  /** Descriptors, with artifact type and annotations, of the documents whose `subject` is this digest (distribution-spec, Listing referrers). */
  referrers(digest: Digest, op?: Op): Promise<readonly Descriptor[]>;

  /** Every tag, in no promised order. */
  tags(op?: Op): AsyncIterable<string>;

  /**
   * Makes a blob of another repository of the same registry appear here without sending it. False if that can't be done;
   * the caller then sends it.
   */
  mount?(blob: Descriptor, from: string, op?: Op): Promise<boolean>;
}

export interface WriteOptions {
  readonly tag?: string;
  /**
   * The tag is moved only if it names this now: a digest, or "nothing" if it must be new. Folders and memory compare; a registry
   * does where it offers an ETag and minds If-Match, and moves the tag in any case where it doesn't.
   */
  readonly from?: Digest | "nothing";
}

/** The largest manifest or index that is read or written, bytes (distribution-spec: registries should take 4 MiB). */
export const MANIFEST_LIMIT: number = 4 * 1024 * 1024;

/** A blob of bytes in memory, such as a config. */
export function blobOf(document: Document): BlobSource {
  return { descriptor: document.descriptor, open: async () => readableOf(document.bytes) };
}
