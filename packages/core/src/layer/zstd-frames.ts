import * as zlib from "node:zlib";
import { SpkociError } from "../base/errors.js";
import { type BlockBudget, compressInParallel } from "./parallel-blocks.js";

/** Bytes that are compressed by themselves. */
export const ZSTD_BLOCK: number = 2 * 1024 * 1024;
const USUAL_LEVEL = 3;
/** Room for a block that doesn't shrink. */
const OUTPUT_SIZE = ZSTD_BLOCK + ZSTD_BLOCK / 8;

type Compress = (
  block: Buffer,
  options: { readonly chunkSize: number; readonly params: Readonly<Record<number, number>> },
  done: (error: Error | null, compressed: Buffer) => void,
) => void;

/** The part of `node:zlib` that exists from Node 22.15. */
interface ZstdSupport {
  readonly zstdCompress?: Compress;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}

const { zstdCompress, constants }: ZstdSupport = zlib as unknown as ZstdSupport;

/** @throws SpkociError UNSUPPORTED_COMPRESSION if this Node has no zstd */
export function assertZstd(): void {
  if (zstdCompress) return;
  throw new SpkociError("UNSUPPORTED_COMPRESSION", "this Node has no zstd", {
    hint: "Run spkoci with Node 22.15 or newer, or choose gzip.",
  });
}

/**
 * Compresses blocks as one zstd frame each (RFC 8878, 3.1), on as many of libuv's threads as there are. The bytes depend on the blocks
 * and the level alone.
 * @param blocks of ZSTD_BLOCK bytes, the last shorter
 * @param level 3 unless given
 * @param release takes each block when it is not needed any more
 * @throws SpkociError as `assertZstd`
 */
export function zstdInFrames(
  blocks: AsyncIterable<Buffer>,
  level: number | undefined,
  budget: BlockBudget,
  release: (block: Buffer) => void,
): AsyncGenerator<Buffer, void, undefined> {
  assertZstd();
  return compressInParallel(blocks, budget, (block) =>
    compressFrame(block, level ?? USUAL_LEVEL).finally(() => release(block)),
  );
}

function compressFrame(block: Buffer, level: number): Promise<Buffer> {
  const params = { [constants.ZSTD_c_compressionLevel ?? 0]: level };
  return new Promise((resolve, reject) => {
    zstdCompress?.(block, { chunkSize: OUTPUT_SIZE, params }, (error, compressed) =>
      error ? reject(error) : resolve(compressed),
    );
  });
}
