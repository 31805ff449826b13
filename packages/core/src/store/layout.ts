import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { writeFileAtomically } from "../base/atomic-file.js";
import { Flights } from "../base/concurrency.js";
import { type Digest, isDigest } from "../base/digest.js";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import { type Op, throwIfAborted } from "../base/op.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { OCI_INDEX, OCI_MANIFEST } from "../oci/media-type.js";
import { readReferrer } from "../oci/referrer.js";
import { type BlobSource, blobOf, MANIFEST_LIMIT, type Store, type WriteOptions } from "../oci/store.js";
import { BlobFolder, isTemporaryName } from "./blob-folder.js";
import { checkDocument } from "./check-document.js";
import { LayoutIndex } from "./layout-index.js";

export interface OpenLayoutOptions {
  /** Make the folder a layout if it does not exist or is empty, and clean up after killed processes. */
  readonly create?: boolean;
}

/**
 * An OCI image layout (image-spec, image-layout.md) as a Store. Tags are the `org.opencontainers.image.ref.name` annotations of
 * `index.json`. Several processes may write to one layout; a process killed at any moment leaves a valid one.
 * @throws SpkociError IMAGE_NOT_FOUND if there is no layout; STORAGE_FAILED if the folder holds something else or can't be used;
 * DOCUMENT_INVALID if the layout is of another version.
 */
export async function openLayout(folder: string, options: OpenLayoutOptions = {}): Promise<Store> {
  const index = new LayoutIndex(folder);
  const blobs = new BlobFolder(folder);
  const found = await readMarker(folder);
  if (found !== undefined) checkMarker(folder, found);
  if (options.create) {
    await createLayout(folder, found !== undefined, index);
    await blobs.removeStaleFiles();
  } else if (found === undefined) {
    throw new SpkociError("IMAGE_NOT_FOUND", `${folder} is no OCI image layout`, {
      hint: "An OCI image layout is a folder with a file named oci-layout in it.",
    });
  }
  return new LayoutStore(folder, blobs, index);
}

/** The text of the `oci-layout` file, undefined if there is none. */
async function readMarker(folder: string): Promise<string | undefined> {
  const path = join(folder, "oci-layout");
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw asStorageError(error, `reading ${path}`);
  }
}

function checkMarker(folder: string, text: string): void {
  const marker = parseJson(text, `${folder}/oci-layout`) as { imageLayoutVersion?: unknown } | null;
  const version = marker?.imageLayoutVersion;
  if (version === "1.0.0") return;
  throw new SpkociError(
    "DOCUMENT_INVALID",
    `${folder} is an image layout of version ${JSON.stringify(version)}, not "1.0.0"`,
  );
}

async function createLayout(folder: string, exists: boolean, index: LayoutIndex): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    if (!exists) {
      const strangers = (await readdir(folder)).filter((name) => !isTemporaryName(name));
      if (strangers.length > 0) throw notEmpty(folder);
      // The marker comes first: a folder with it alone is finished by the next who opens it.
      await writeFileAtomically(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    }
    await mkdir(join(folder, "blobs", "sha256"), { recursive: true });
  } catch (error) {
    throw asStorageError(error, `making the image layout ${folder}`);
  }
  await index.create();
}

function notEmpty(folder: string): SpkociError {
  return new SpkociError("STORAGE_FAILED", `${folder} is not empty and is no OCI image layout`, {
    hint: "Name a new or empty folder, or one that holds an image layout.",
  });
}

class LayoutStore implements Store {
  readonly name: string;
  readonly #blobs: BlobFolder;
  readonly #index: LayoutIndex;
  readonly #flights = new Flights<Digest, void>();

  constructor(folder: string, blobs: BlobFolder, index: LayoutIndex) {
    this.name = `oci:${folder}`;
    this.#blobs = blobs;
    this.#index = index;
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
    if (!(await this.has(blob.descriptor, op))) await this.#blobs.write(blob, op);
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
    const found: Descriptor[] = [];
    for (const { digest: listed } of (await this.#index.entries()).byDigest.values()) {
      const document = await this.read(listed, op);
      const referrer = document && readReferrer(document);
      if (referrer?.subject === digest) found.push(referrer.descriptor);
    }
    return found;
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
