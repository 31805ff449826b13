import { createCipheriv, createHash } from "node:crypto";
import { Readable } from "node:stream";
import { type BlobSource, type Descriptor, digestOf } from "@spkoci/core";

/** Bytes that look random and are the same for the same seed. */
export function seededBytes(seed: string, size: number): Buffer {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** A blob in memory that counts how often it was opened. */
export interface CountedBlob extends BlobSource {
  readonly bytes: Buffer;
  /** How often `open` was called. */
  opens: number;
}

/** A blob of these bytes, given out in pieces of `pieceSize` bytes. */
export function blobOfBytes(
  bytes: Buffer,
  mediaType = "application/octet-stream",
  pieceSize: number = 64 * 1024,
): CountedBlob {
  const descriptor: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  const blob: CountedBlob = {
    descriptor,
    bytes,
    opens: 0,
    open: async () => {
      blob.opens += 1;
      return Readable.from(piecesOf(bytes, pieceSize), { objectMode: false });
    },
  };
  return blob;
}

/** A blob of seeded bytes. */
export function seededBlob(seed: string, size: number): CountedBlob {
  return blobOfBytes(seededBytes(seed, size));
}

function* piecesOf(bytes: Buffer, size: number): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
