import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Hasher } from "../base/digest.js";
import type { Op } from "../base/op.js";
import { decompress } from "./decompression.js";
import { SizeGuard, type UnpackLimits } from "./unpack-limits.js";

export interface TarRequest {
  /** The layer's bytes as they are stored. */
  readonly layer: Readable;
  /** Whether it is the plain tar. */
  readonly isPlain?: boolean | undefined;
  readonly limits: UnpackLimits;
  /** Gets the plain tar too. */
  readonly hasher?: Hasher | undefined;
}

/**
 * Reads a whole layer, gzip, zstd or plain as its first bytes tell; `take` gets the plain tar. Errors of `layer` are thrown as they are.
 * @throws Refusal for an archive that is damaged or larger than the limits, and what `take` throws; SpkociError UNSUPPORTED_COMPRESSION
 */
export async function readTar(
  { layer, isPlain, limits, hasher }: TarRequest,
  take: (tar: AsyncIterable<Buffer>) => Promise<void>,
  op?: Op,
): Promise<void> {
  const sizes = new SizeGuard(limits);
  const readAll = async (source: AsyncIterable<Buffer>): Promise<void> => {
    const compressed = sizes.compressed(source);
    const tar = sizes.plain(isPlain ? compressed : decompress(compressed));
    await take(hasher ? hashing(tar, hasher) : tar);
  };
  await pipeline(layer, readAll, op?.signal ? { signal: op.signal } : {});
}

async function* hashing(source: AsyncIterable<Buffer>, hasher: Hasher): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of source) {
    hasher.update(chunk);
    yield chunk;
  }
}
