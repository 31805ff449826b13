import ssri from "ssri";
import { SpkociError } from "./errors.js";

declare const digestBrand: unique symbol;

/** `sha256:<64 lower-case hex digits>`. Made only by `parseDigest`, `digestOf` and `Hasher`. */
export type Digest = string & { readonly [digestBrand]: true };

const SHA256 = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return SHA256.test(text);
}

/** @throws SpkociError DOCUMENT_INVALID for anything but a sha256 digest (image-spec, descriptor.md, Digests). */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new SpkociError("DOCUMENT_INVALID", `not a sha256 digest: ${JSON.stringify(text.slice(0, 100))}`);
}

/** The hex digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return fromIntegrity(ssri.fromData(bytes as string, { algorithms: ["sha256"] }));
}

/** Sha256 over a stream of chunks. */
export class Hasher {
  // The types of ssri give node:crypto's signatures; it takes any chunk and ends with an Integrity.
  readonly #hash = ssri.create({ algorithms: ["sha256"] }) as unknown as IntegrityHash;

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  /** Ends the hash; call it once. */
  digest(): Digest {
    return fromIntegrity(this.#hash.digest());
  }
}

interface IntegrityHash {
  update(chunk: Uint8Array): void;
  digest(): HexDigest;
}

interface HexDigest {
  hexDigest(): string;
}

function fromIntegrity(integrity: HexDigest): Digest {
  return parseDigest(`sha256:${integrity.hexDigest()}`);
}
