import { Readable } from "node:stream";
import { type Digest, Hasher } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { decompress } from "./decompression.js";
import { DEFAULT_UNPACK_LIMITS, SizeGuard } from "./unpack-limits.js";
import { Refusal } from "./unpack-refusal.js";

export interface PlainTarRequest {
  /** The layer's bytes as they are stored, checked for digest and size while they are read (`verifying`). It ends with the plain tar. */
  readonly layer: Readable;
  /** Names the layer in messages. */
  readonly what: string;
  /** Digest that the plain tar must have. */
  readonly diffId?: Digest | undefined;
}

/**
 * The plain tar of a layer, for a thread that unpacks it while this one reads on. It fails with what `layer` fails with, and with
 * ARCHIVE_REFUSED, UNSUPPORTED_COMPRESSION and DIGEST_MISMATCH, the last at its end. Nobody else has its chunks.
 */
export function openPlainTar(request: PlainTarRequest): Readable {
  const { layer } = request;
  // Reading throws the layer's failure; without a listener one that comes before would end the process.
  layer.on("error", () => {});
  const chunks = plainChunks(request);
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read(): void {
      chunks.next().then(
        ({ value, done }) => this.push(done ? null : value),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error: Error | null, done: (error?: Error | null) => void): void {
      layer.destroy();
      done(error);
    },
  });
}

async function* plainChunks({ layer, what, diffId }: PlainTarRequest): AsyncGenerator<Buffer, void, undefined> {
  const sizes = new SizeGuard(DEFAULT_UNPACK_LIMITS);
  const hasher = diffId === undefined ? undefined : new Hasher();
  try {
    for await (const chunk of sizes.plain(decompress(sizes.compressed(layer)))) {
      hasher?.update(chunk);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof Refusal ? error.toError(what) : error;
  }
  checkDiffId(what, hasher?.digest(), diffId);
}

/** @throws SpkociError DIGEST_MISMATCH if a plain tar has another digest than the image's config says */
export function checkDiffId(what: string, actual: Digest | undefined, expected: Digest | undefined): void {
  if (actual === expected) return;
  const message = `${what} should unpack to a tar with digest ${expected} but it has ${actual}`;
  throw new SpkociError("DIGEST_MISMATCH", message, {
    hint: "The image's config and its layer don't belong together.",
  });
}
