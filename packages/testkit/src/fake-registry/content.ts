import { randomBytes } from "node:crypto";
import { type Descriptor, type Document, digestOf, isDigest } from "@spkoci/core";

export interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** An upload under way; `state` changes with every chunk, so that only the newest Location works. */
export interface UploadSession {
  readonly id: string;
  state: string;
  bytes: Buffer;
  /** Bytes of the first chunk. */
  firstChunk: number;
  /** A chunk shorter than the least length came, so it must have been the last. */
  endedShort: boolean;
}

/** What one repository holds. Tests may look and change things directly. */
export class FakeRepository {
  readonly name: string;
  /** Digest to content. */
  readonly blobs: Map<string, Buffer> = new Map();
  /** Digest to manifest or index. */
  readonly manifests: Map<string, StoredManifest> = new Map();
  /** Tag to digest. */
  readonly tags: Map<string, string> = new Map();
  readonly uploads: Map<string, UploadSession> = new Map();

  constructor(name: string) {
    this.name = name;
  }

  addBlob(bytes: Uint8Array, mediaType = "application/octet-stream"): Descriptor {
    const digest = digestOf(bytes);
    this.blobs.set(digest, Buffer.from(bytes));
    return { mediaType, digest, size: bytes.length };
  }

  addManifest(document: Document, tag?: string): Descriptor {
    const { digest, mediaType } = document.descriptor;
    this.manifests.set(digest, { mediaType, bytes: Buffer.from(document.bytes) });
    if (tag !== undefined) this.tags.set(tag, digest);
    return document.descriptor;
  }

  /** The manifest that a tag or digest names. */
  findManifest(reference: string): (StoredManifest & { readonly digest: string }) | undefined {
    const digest = isDigest(reference) ? reference : this.tags.get(reference);
    const manifest = digest === undefined ? undefined : this.manifests.get(digest);
    return digest === undefined || manifest === undefined ? undefined : { ...manifest, digest };
  }

  startUpload(): UploadSession {
    const session = {
      id: randomBytes(8).toString("hex"),
      state: newState(),
      bytes: Buffer.alloc(0),
      firstChunk: 0,
      endedShort: false,
    };
    this.uploads.set(session.id, session);
    return session;
  }

  appendUpload(session: UploadSession, chunk: Buffer): void {
    session.bytes = Buffer.concat([session.bytes, chunk]);
    session.state = newState();
  }

  get isEmpty(): boolean {
    return this.blobs.size + this.manifests.size === 0;
  }
}

/** Characters that a client breaks if it decodes and encodes the query of a Location carelessly. */
function newState(): string {
  return `${randomBytes(6).toString("hex")}%2B%2F=`;
}
