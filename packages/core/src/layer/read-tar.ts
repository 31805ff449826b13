import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Hasher } from "../base/digest.js";
import type { Op } from "../base/op.js";
import { decompress, type TakePlain } from "./decompression.js";
import { SizeGuard, type UnpackLimits } from "./unpack-limits.js";

export interface TarRequest {
  /** The layer's bytes as they are stored. */
  readonly layer: Readable;
  readonly limits: UnpackLimits;
  /** Gets the plain tar too. */
  readonly hasher?: Hasher | undefined;
}

/**
 * Reads a whole layer, gzip, zstd or plain as its first bytes tell; `take` gets the plain tar. Errors of `layer` are thrown as they are.
 * @throws Refusal for an archive that is damaged or larger than the limits, and what `take` throws; SpkociError UNSUPPORTED_COMPRESSION
 */
export async function readTar({ layer, limits, hasher }: TarRequest, take: TakePlain, op?: Op): Promise<void> {
  const sizes = new SizeGuard(limits);
  const takeCounted = (plain: Buffer): void => {
    sizes.countPlain(plain.length);
    hasher?.update(plain);
    take(plain);
  };
  const readAll = (source: AsyncIterable<Buffer>): Promise<void> => decompress(sizes.compressed(source), takeCounted);
  await pipeline(layer, readAll, op?.signal ? { signal: op.signal } : {});
}
