import { Refusal } from "./unpack-refusal.js";

/** How much an archive may unpack to. */
export interface UnpackLimits {
  /** Bytes of the plain tar. */
  readonly maxBytes: number;
  /** Files, directories and links. */
  readonly maxEntries: number;
  /** Bytes of the plain tar for each compressed byte. Looked at from 1 GiB on, which any archive may have. */
  readonly maxRatio: number;
}

/**
 * What no package reaches: 64 GiB, a million entries, and 100 bytes for one. The largest packages of Spack (compilers, CUDA) have a
 * quarter of that; programs and libraries shrink to a half or a fifth, text to a tenth.
 */
export const DEFAULT_UNPACK_LIMITS: UnpackLimits = { maxBytes: 64 * 1024 ** 3, maxEntries: 1_000_000, maxRatio: 100 };

const RATIO_FLOOR: number = 1024 ** 3;

/** Watches an archive on both sides of its decompression. */
export class SizeGuard {
  readonly #limits: UnpackLimits;
  #compressed = 0;
  #plain = 0;

  constructor(limits: UnpackLimits) {
    this.#limits = limits;
  }

  /** Passes the compressed bytes on. */
  async *compressed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of source) {
      this.#compressed += chunk.length;
      yield chunk;
    }
  }

  /** @throws Refusal as soon as there are too many plain bytes */
  countPlain(bytes: number): void {
    const { maxBytes, maxRatio } = this.#limits;
    this.#plain += bytes;
    if (this.#plain > maxBytes) throw Refusal.of(`it has more than ${maxBytes} bytes`);
    if (this.#plain > RATIO_FLOOR && this.#plain > this.#compressed * maxRatio) {
      throw Refusal.of(`it has more than ${maxRatio} bytes for each compressed one`);
    }
  }
}
