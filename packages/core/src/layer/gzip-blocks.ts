import { crc32 } from "node:zlib";
import { BlockDeflater } from "./block-deflater.js";
import { chooseBlockLevel } from "./block-level.js";
import { type BlockBudget, compressInParallel } from "./parallel-blocks.js";

/** How far back deflate looks (RFC 1951). A block begins with the end of the one before as its dictionary. */
const WINDOW = 32 * 1024;
/** Bytes that are compressed by themselves. */
export const GZIP_BLOCK: number = 1024 * 1024;
/** Room for a block of which more than half is left. */
const OUTPUT_SIZE = (GZIP_BLOCK * 9) / 16;

/** Deflate, no name, no time, no extra flags, unknown system (RFC 1952, 2.3): what Spack writes. */
const HEADER = Buffer.from("1f8b08000000000000ff", "hex");
/** An empty last block: what comes before it ends on a byte. */
const LAST_BLOCK = Buffer.from("0300", "hex");

/**
 * Compresses blocks as one gzip member, on as many of libuv's threads as there are. The bytes depend on the blocks and the level alone.
 * What is yielded is done with when the next is asked for: its memory is used again.
 * @param blocks of GZIP_BLOCK bytes, the last shorter
 * @param level of every block; undefined for the usual one, which is chosen for each
 * @param release takes each block when it is not needed any more
 */
export async function* gzipInBlocks(
  blocks: AsyncIterable<Buffer>,
  level: number | undefined,
  budget: BlockBudget,
  release: (block: Buffer) => void,
): AsyncGenerator<Buffer, void, undefined> {
  yield HEADER;
  const deflater = new BlockDeflater(OUTPUT_SIZE);
  let dictionary: Buffer | undefined;
  let checksum = 0;
  let size = 0;
  const deflated = compressInParallel(blocks, budget, (block) => {
    checksum = crc32(block, checksum);
    size += block.length;
    const compressed = deflater.deflate(block, level ?? chooseBlockLevel(block), dictionary);
    dictionary = Buffer.from(block.subarray(-WINDOW));
    return compressed.finally(() => release(block));
  });
  for await (const piece of deflated) {
    yield piece;
    deflater.release(piece);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  yield Buffer.concat([LAST_BLOCK, trailer]);
}
