import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { constants, crc32, deflateRaw } from "node:zlib";

const deflate = promisify(deflateRaw);

/** Bytes that are compressed by themselves, on one of libuv's threads. */
const BLOCK = 512 * 1024;
/** How far back deflate looks (RFC 1951). A block begins with the end of the one before as its dictionary. */
const WINDOW = 32 * 1024;

/** Deflate, no name, no time, no extra flags, unknown system (RFC 1952, 2.3): what Spack writes. */
const HEADER = Buffer.from("1f8b08000000000000ff", "hex");
/** An empty last block: what comes before it ends on a byte. */
const LAST_BLOCK = Buffer.from("0300", "hex");

/**
 * Compresses a stream as one gzip member, with as many threads as there are. The bytes depend on the content and the level alone: on
 * neither the number of threads nor the chunks that the content comes in.
 */
export async function* gzipInBlocks(
  source: AsyncIterable<Buffer>,
  level: number,
): AsyncGenerator<Buffer, void, undefined> {
  yield HEADER;
  const pending = new PendingBlocks();
  let dictionary: Buffer | undefined;
  let checksum = 0;
  let size = 0;
  try {
    for await (const block of blocksOf(source)) {
      checksum = crc32(block, checksum);
      size += block.length;
      while (!pending.hasRoom()) yield await pending.next();
      pending.add(deflateBlock(block, level, dictionary));
      dictionary = block.subarray(-WINDOW);
    }
    while (pending.length > 0) yield await pending.next();
  } finally {
    pending.clear();
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  yield Buffer.concat([LAST_BLOCK, trailer]);
}

function deflateBlock(block: Buffer, level: number, dictionary: Buffer | undefined): Promise<Buffer> {
  return deflate(block, {
    level,
    memLevel: 8,
    chunkSize: BLOCK + BLOCK / 8,
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(dictionary === undefined ? {} : { dictionary }),
  });
}

/** The stream in pieces of BLOCK bytes; the last may be shorter. */
async function* blocksOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let block = Buffer.allocUnsafe(BLOCK);
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const copied = chunk.copy(block, filled, at);
      at += copied;
      filled += copied;
      if (filled < BLOCK) continue;
      yield block;
      block = Buffer.allocUnsafe(BLOCK);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

/** Blocks that all streams of this process together may have under way beside the first of each. */
let spare = 2 * availableParallelism();

/** The blocks of one stream that are under way, in order. */
class PendingBlocks {
  readonly #blocks: Promise<Buffer>[] = [];

  get length(): number {
    return this.#blocks.length;
  }

  /** One is always allowed, so that every stream gets on whatever the others hold. */
  hasRoom(): boolean {
    return this.length === 0 || spare > 0;
  }

  add(block: Promise<Buffer>): void {
    // A failure is thrown where the block is waited for.
    block.catch(() => {});
    if (this.length > 0) spare -= 1;
    this.#blocks.push(block);
  }

  async next(): Promise<Buffer> {
    const block = this.#blocks.shift();
    if (this.length > 0) spare += 1;
    return (await block) as Buffer;
  }

  clear(): void {
    spare += Math.max(0, this.length - 1);
    this.#blocks.length = 0;
  }
}
