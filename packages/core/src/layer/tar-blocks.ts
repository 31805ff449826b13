import { paddedSize, TAR_BLOCK } from "../base/tar-header.js";
import type { Entry, FileEntry } from "./entries.js";
import { formatDirectory, formatEntry, formatFile } from "./tar-entry.js";

/** Python's tarfile, and so Spack, fills an archive up to a multiple of this. */
const RECORD_SIZE = 10_240;

const ZEROS = Buffer.alloc(TAR_BLOCK);

/** What follows in a tar: bytes, or a file's content. */
export type TarPart = Buffer | FileEntry;

/** A place in a block for a file's next bytes; none for an empty file. */
export interface ContentSlot {
  readonly entry: FileEntry;
  readonly bytes: Buffer;
  /** Whether these are the file's last bytes. */
  readonly last: boolean;
}

/** Directories above a prefix and its entries as parts of a tar. */
export function* entryParts(parents: readonly string[], entries: readonly Entry[]): Generator<TarPart> {
  for (const name of parents) yield formatDirectory(name);
  for (const entry of entries) {
    yield formatEntry(entry);
    if (entry.type === "file") yield* [entry, paddingOf(entry.size)];
  }
}

/** A file in memory as parts of a tar. */
export function fileParts(name: string, mode: number, content: Buffer): TarPart[] {
  return [formatFile(name, mode, content.length), content, paddingOf(content.length)];
}

function paddingOf(size: number): Buffer {
  return ZEROS.subarray(0, paddedSize(size) - size);
}

/** Cuts the parts of a tar into blocks of one size, the last shorter. What files hold is filled in by `fillSlots`, all files of a block at once. */
export class TarBlocks {
  readonly #newBlock: () => Buffer;
  readonly #fillSlots: (slots: readonly ContentSlot[]) => Promise<void>;
  #block: Buffer = Buffer.alloc(0);
  #filled = 0;
  #slots: ContentSlot[] = [];
  #written = 0;

  /** @param newBlock a buffer for the next block */
  constructor(newBlock: () => Buffer, fillSlots: (slots: readonly ContentSlot[]) => Promise<void>) {
    this.#newBlock = newBlock;
    this.#fillSlots = fillSlots;
  }

  /** Adds parts, and yields the blocks that they make full. */
  async *add(parts: Iterable<TarPart>): AsyncGenerator<Buffer, void, undefined> {
    for (const part of parts) {
      const size = Buffer.isBuffer(part) ? part.length : part.size;
      let at = 0;
      do {
        at += this.#put(part, at, size);
        if (this.#filled === this.#block.length) yield await this.#take();
      } while (at < size);
    }
  }

  /** Fills in what files hold of the block that is not full yet. */
  async fill(): Promise<void> {
    const slots = this.#slots;
    this.#slots = [];
    await this.#fillSlots(slots);
  }

  /** Ends the tar, and yields what is left of it. */
  async *end(): AsyncGenerator<Buffer, void, undefined> {
    const size = this.#written + this.#filled + 2 * TAR_BLOCK;
    yield* this.add([Buffer.alloc(2 * TAR_BLOCK + ((RECORD_SIZE - (size % RECORD_SIZE)) % RECORD_SIZE))]);
    if (this.#filled > 0) yield await this.#take();
  }

  /** Puts as much of a part as fits, from `at` on, into the block; its bytes. */
  #put(part: TarPart, at: number, size: number): number {
    if (this.#filled === 0) this.#block = this.#newBlock();
    const length = Math.min(size - at, this.#block.length - this.#filled);
    if (Buffer.isBuffer(part)) part.copy(this.#block, this.#filled, at, at + length);
    else {
      const bytes = this.#block.subarray(this.#filled, this.#filled + length);
      this.#slots.push({ entry: part, bytes, last: at + length === size });
    }
    this.#filled += length;
    return length;
  }

  async #take(): Promise<Buffer> {
    await this.fill();
    const block = this.#block.subarray(0, this.#filled);
    this.#written += this.#filled;
    this.#filled = 0;
    return block;
  }
}
