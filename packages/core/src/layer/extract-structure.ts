import { isUtf8 } from "node:buffer";
import { parsePax } from "./extract-pax.js";
import { Refusal } from "./unpack-refusal.js";

const BLOCK = 512;
const MAX_EXTENSION = 1024 * 1024;
/** The largest size that fits into the eleven octal digits of a header. */
const MAX_OCTAL_SIZE = 0o77777777777;

/** Types of headers that say something about the header after them (POSIX pax, and GNU tar's long names). */
const EXTENSIONS: ReadonlySet<string> = new Set(["x", "g", "L", "K"]);

/** GNU tar's first form of long names, which its later releases don't write. */
const OLD_LONG_NAME = "N";

/** Records that change what an entry is; a global header must not have them. */
const ENTRY_RECORDS = ["path", "linkpath", "size"];

const SPARSE = "GNU.sparse.";

/**
 * Passes a tar on, up to the two zero blocks that end it, once its structure is known to be sound, so that every reader sees the same
 * entries in it: checksums are right, sizes are plain numbers, names are UTF-8, extended headers are well-formed and small, and
 * nothing but zeros follows the end.
 * @throws Refusal
 */
export async function* checkStructure(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const check = new StructureCheck();
  for await (const chunk of source) {
    const length = check.read(chunk);
    if (length > 0) yield chunk.subarray(0, length);
  }
  check.finish();
}

class StructureCheck {
  /** Bytes of a header block, or of the extension that is collected. */
  readonly #parts: Buffer[] = [];
  #missing: number = BLOCK;
  /** Type and size of the extension that is collected. */
  #extension: { readonly type: string; readonly size: number } | undefined;
  /** Records of the extended header that belongs to the next entry. */
  #records: ReadonlyMap<string, string> | undefined;
  /** Whether an entry must follow. */
  #announced = false;
  /** Bytes of content and padding that don't matter here. */
  #skip = 0;
  #zeroBlocks = 0;
  /** Name of the entry that was read last. */
  #last: string | undefined;

  /** How many bytes of the chunk belong to the tar; the others follow its end. */
  read(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length && this.#zeroBlocks < 2) {
      const length = Math.min(this.#skip > 0 ? this.#skip : this.#missing, chunk.length - at);
      if (this.#skip > 0) this.#skip -= length;
      else this.#collect(chunk.subarray(at, at + length));
      at += length;
    }
    if (!isZero(chunk.subarray(at))) throw this.#refusal("something follows its end");
    return at;
  }

  finish(): void {
    if (this.#zeroBlocks < 2) throw this.#refusal("it is cut off");
  }

  #collect(part: Buffer): void {
    this.#parts.push(part);
    this.#missing -= part.length;
    if (this.#missing > 0) return;
    const whole = Buffer.concat(this.#parts.splice(0));
    this.#missing = BLOCK;
    if (this.#extension === undefined) this.#readHeader(whole);
    else this.#readExtension(this.#extension, whole);
  }

  #readHeader(block: Buffer): void {
    if (isZero(block)) {
      if (this.#announced) throw this.#refusal("an extended header has no entry");
      this.#zeroBlocks += 1;
      return;
    }
    const name = block.toString("utf8", 0, lengthOfText(block, 0, 100));
    if (this.#zeroBlocks > 0) throw Refusal.at(name, "it follows the end of the archive");
    if (checksumOf(block) !== parseOctal(block, 148, 8)) throw this.#refusal("a header is damaged");
    for (const [start, length] of [
      [0, 100],
      [157, 100],
      [345, 155],
    ] as const) {
      if (!isUtf8(block.subarray(start, start + lengthOfText(block, start, length)))) {
        throw Refusal.at(name, "a name is not UTF-8");
      }
    }
    const size = parseSize(block);
    if (size === undefined) throw Refusal.at(name, "its size is not a number");
    const type = String.fromCharCode(block[156] ?? 0);
    if (type === OLD_LONG_NAME) throw Refusal.at(name, "it has a form of long name that is out of use");
    if (EXTENSIONS.has(type)) this.#beginExtension(type, size, name);
    else this.#beginEntry(size, name);
  }

  #beginExtension(type: string, size: number, name: string): void {
    if (size === 0 || size > MAX_EXTENSION) throw Refusal.at(name, `an extended header of ${size} bytes`);
    this.#extension = { type, size };
    this.#missing = roundUp(size);
  }

  #readExtension({ type, size }: { readonly type: string; readonly size: number }, padded: Buffer): void {
    const body = padded.subarray(0, size);
    this.#extension = undefined;
    if (type === "g") {
      const records = this.#parse(body);
      if (ENTRY_RECORDS.some((key) => records.has(key)) || isSparse(records)) {
        throw this.#refusal("a global extended header names or sizes entries");
      }
      return;
    }
    this.#announced = true;
    if (type === "x") {
      if (this.#records) throw this.#refusal("two extended headers for one entry");
      this.#records = this.#parse(body);
    } else if (!isUtf8(body)) {
      throw this.#refusal("a long name is not UTF-8");
    }
  }

  #parse(body: Buffer): ReadonlyMap<string, string> {
    const records = parsePax(body);
    if (!records) throw this.#refusal("an extended header is malformed");
    return records;
  }

  #refusal(reason: string): Refusal {
    return Refusal.after(this.#last, reason);
  }

  #beginEntry(headerSize: number, headerName: string): void {
    const records = this.#records;
    this.#records = undefined;
    this.#announced = false;
    const name = records?.get("path") ?? headerName;
    this.#last = name;
    if (records && isSparse(records)) throw Refusal.at(name, "sparse files are not supported");
    this.#skip = roundUp(sizeOfEntry(headerSize, records?.get("size"), name));
  }
}

/** The size that counts where header and extended header have one each. */
function sizeOfEntry(headerSize: number, record: string | undefined, name: string): number {
  if (record === undefined) return headerSize;
  const size = /^\d{1,16}$/.test(record) ? Number(record) : Number.NaN;
  const agrees = headerSize === size || headerSize === 0 || size > MAX_OCTAL_SIZE;
  if (!Number.isSafeInteger(size) || !agrees) throw Refusal.at(name, "its headers disagree about its size");
  return size;
}

function isSparse(records: ReadonlyMap<string, string>): boolean {
  return [...records.keys()].some((key) => key.startsWith(SPARSE));
}

/** The size field: octal, or GNU tar's form for large numbers. undefined if it is neither. */
function parseSize(block: Buffer): number | undefined {
  if (block[124] !== 0x80) return parseOctal(block, 124, 12);
  const size = Number(BigInt(`0x${block.toString("hex", 125, 136)}`));
  return Number.isSafeInteger(size) ? size : undefined;
}

/** An octal number with spaces before it, and spaces or NULs behind it; 0 if there is none. */
function parseOctal(block: Buffer, start: number, length: number): number | undefined {
  const text = block.toString("latin1", start, start + length);
  const [, digits] = /^ *([0-7]*)[ \0]*$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number.parseInt(`0${digits}`, 8);
}

/** Sum of the header's bytes, with spaces for the sum itself. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i += 1) {
    if (i < 148 || i >= 156) sum += block[i] ?? 0;
  }
  return sum;
}

function lengthOfText(block: Buffer, start: number, length: number): number {
  const end = block.subarray(start, start + length).indexOf(0);
  return end < 0 ? length : end;
}

function isZero(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1)));
}

function roundUp(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}
