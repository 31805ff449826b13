import { constants, createDeflateRaw } from "node:zlib";

/**
 * Where a stream of `node:zlib` puts its output. Node doesn't document it. By its functions alone each block gets an output of its own, of half a
 * megabyte and more, and V8 collects twice as often (docs/adr/0008-gzip-in-blocks.md).
 */
interface OutputPlace {
  _outBuffer: Buffer;
  _outOffset: number;
  _chunkSize: number;
}

/** Node has it where it is looked for. */
const PLACE_KNOWN = ["_outBuffer", "_outOffset", "_chunkSize"].every((name) => name in createDeflateRaw());

/** Deflates blocks of one size (RFC 1951) on libuv's threads, into memory that is used again. */
export class BlockDeflater {
  readonly #outputSize: number;
  readonly #free: Buffer[] = [];

  /** @param outputSize bytes of room for a block's output; a larger one is put together from two */
  constructor(outputSize: number) {
    this.#outputSize = outputSize;
  }

  /**
   * @param dictionary what stands before the block
   * @returns the block, not marked as the last one, and ended on a byte (sync flush); its memory is to be released
   */
  async deflate(block: Buffer, level: number, dictionary: Buffer | undefined): Promise<Buffer> {
    const stream = createDeflateRaw({
      level,
      memLevel: 9,
      chunkSize: PLACE_KNOWN ? constants.Z_MIN_CHUNK : this.#outputSize,
      flush: constants.Z_SYNC_FLUSH,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(dictionary === undefined ? {} : { dictionary }),
    });
    const output = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#outputSize);
    const place: OutputPlace = { _outBuffer: output, _outOffset: 0, _chunkSize: output.length };
    if (PLACE_KNOWN) Object.assign(stream, place);
    const pieces: Buffer[] = [];
    await new Promise((resolve, reject) => {
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("error", reject).on("end", resolve);
      stream.end(block);
    });
    const [first] = pieces;
    if (first && pieces.length === 1 && first.buffer === output.buffer) return first;
    this.release(output);
    return Buffer.concat(pieces);
  }

  /** What `deflate` returned is not needed any more. */
  release(deflated: Buffer): void {
    if (deflated.buffer.byteLength === this.#outputSize) this.#free.push(Buffer.from(deflated.buffer));
  }
}
