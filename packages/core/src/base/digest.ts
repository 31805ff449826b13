import { createHash } from "node:crypto";
import ssri from "ssri";
import { SpkociError } from "./errors.js";

declare const digestBrand: unique symbol;

/** `sha256:<64 lower-case hex digits>`, or sha512 with 128. Made only by `parseDigest`, `isDigest`, `digestOf` and `Hasher`. */
export type Digest = string & { readonly [digestBrand]: true };

/** What content can be verified with. What spkoci makes has sha256. */
export type DigestAlgorithm = "sha256" | "sha512";

const KNOWN = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
/** image-spec, descriptor.md, Digests. */
const GRAMMAR = /^(?!sha(?:256|512):)[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;

export function isDigest(text: string): text is Digest {
  return KNOWN.test(text);
}

/** Whether a document may name content by it: a digest, or one of an algorithm that nobody here knows. Such content is never trusted. */
export function mayBeDigest(text: string): text is Digest {
  return KNOWN.test(text) || (text.length <= 255 && GRAMMAR.test(text));
}

/** @throws SpkociError DOCUMENT_INVALID for anything but a sha256 or sha512 digest (image-spec, descriptor.md, Digests). */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new SpkociError("DOCUMENT_INVALID", `not a digest: ${JSON.stringify(text.slice(0, 100))}`);
}

/** @throws SpkociError DOCUMENT_INVALID for a digest of an algorithm that content can't be verified with: nothing is read or asked for by it */
export function requireKnown(digest: Digest): void {
  algorithmLike(digest);
}

/** What is before the colon. */
export function algorithmOf(digest: Digest): string {
  return digest.slice(0, digest.indexOf(":"));
}

/** The hex digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The digest of bytes; with `like`, one of the same algorithm as that. @throws SpkociError DOCUMENT_INVALID as `Hasher` */
export function digestOf(bytes: Uint8Array | string, like?: Digest): Digest {
  const algorithm = algorithmLike(like);
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}` as Digest;
}

/** A digest over a stream of chunks. */
export class Hasher {
  readonly #algorithm: DigestAlgorithm;
  // The types of ssri give node:crypto's signatures; it takes any chunk and ends with an Integrity.
  readonly #hash: IntegrityHash;

  /** Sha256, or the algorithm of `like`. @throws SpkociError DOCUMENT_INVALID if nobody here knows that */
  constructor(like?: Digest) {
    this.#algorithm = algorithmLike(like);
    this.#hash = ssri.create({ algorithms: [this.#algorithm] }) as unknown as IntegrityHash;
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  /** Ends the hash; call it once. */
  digest(): Digest {
    return parseDigest(`${this.#algorithm}:${this.#hash.digest().hexDigest()}`);
  }
}

interface IntegrityHash {
  update(chunk: Uint8Array): void;
  digest(): { hexDigest(): string };
}

function algorithmLike(like: Digest | undefined): DigestAlgorithm {
  if (like === undefined || like.startsWith("sha256:")) return "sha256";
  if (like.startsWith("sha512:")) return "sha512";
  throw new SpkociError(
    "DOCUMENT_INVALID",
    `${like} can't be verified: there is no digest algorithm ${algorithmOf(like)}`,
    {
      hint: "Content is verified by sha256 or sha512.",
    },
  );
}
