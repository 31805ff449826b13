import { SpkociError } from "../base/errors.js";
import type { Compression } from "../oci/media-type.js";
import { OCI_LAYER_GZIP, OCI_LAYER_ZSTD } from "../oci/media-type.js";
import { GZIP_BLOCK, gzipInBlocks } from "./gzip-blocks.js";
import type { BlockBudget } from "./parallel-blocks.js";
import { assertZstd, ZSTD_BLOCK, zstdInFrames } from "./zstd-frames.js";

export interface CompressionSettings {
  readonly compression: Compression;
  /** 1 to 9 for gzip, 1 to 19 for zstd; undefined for 4 or 5 for each block of gzip (`chooseBlockLevel`), 3 for zstd. */
  readonly level: number | undefined;
}

const MAX_LEVELS = { gzip: 9, zstd: 19 } as const;

/** Bytes that are compressed by themselves. */
export const BLOCK_SIZES: Readonly<Record<Compression, number>> = { gzip: GZIP_BLOCK, zstd: ZSTD_BLOCK };

const MEDIA_TYPES = { gzip: OCI_LAYER_GZIP, zstd: OCI_LAYER_ZSTD } as const;

/**
 * Checks a choice of compression. No level is the usual one.
 * @throws SpkociError INVALID_ARGUMENT for a level out of range, UNSUPPORTED_COMPRESSION if this Node has no zstd.
 */
export function compressionSettings(compression: Compression, level?: number): CompressionSettings {
  const max = MAX_LEVELS[compression];
  if (level !== undefined && (!Number.isInteger(level) || level < 1 || level > max)) {
    throw new SpkociError("INVALID_ARGUMENT", `no compression level ${level} for ${compression}`, {
      hint: `Choose a level from 1 to ${max}.`,
    });
  }
  if (compression === "zstd") assertZstd();
  return { compression, level };
}

/** Media type of a layer that is compressed that way (image-spec, layer.md). */
export function layerMediaType(compression: Compression): string {
  return MEDIA_TYPES[compression];
}

/**
 * Compresses a tar's blocks, several at once. The bytes depend on the content, the settings and this Node's libraries alone. What is
 * yielded is done with when the next is asked for.
 * @param blocks of that compression's BLOCK_SIZES, the last shorter
 * @param release takes each block when it is not needed any more
 */
export function compress(
  blocks: AsyncIterable<Buffer>,
  { compression, level }: CompressionSettings,
  budget: BlockBudget,
  release: (block: Buffer) => void,
): AsyncGenerator<Buffer, void, undefined> {
  const compressAll = compression === "gzip" ? gzipInBlocks : zstdInFrames;
  return compressAll(blocks, level, budget, release);
}
