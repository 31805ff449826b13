import { BLOCK, type EntryHeader, parseHeader, textOf } from "./extract-header.js";
import { parsePax } from "./extract-pax.js";
import { Refusal } from "./unpack-refusal.js";

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

export type EntryType =
  | "file"
  | "link"
  | "symlink"
  | "character-device"
  | "block-device"
  | "directory"
  | "fifo"
  | "contiguous-file";

/** By type flag. */
const TYPES: ReadonlyMap<string, EntryType> = new Map([
  ["\0", "file"],
  ["0", "file"],
  ["1", "link"],
  ["2", "symlink"],
  ["3", "character-device"],
  ["4", "block-device"],
  ["5", "directory"],
  ["6", "fifo"],
  ["7", "contiguous-file"],
]);

/** One entry of a tar, as it stands there: nothing of it can be relied on. */
export interface TarEntry {
  readonly name: string;
  /** null for a type that is not known. */
  readonly type: EntryType | null;
  /** Any number; undefined where the field holds none. */
  readonly mode: number | undefined;
  /** Bytes of content. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Target of a link; empty for others. */
  readonly target: string;
}

/** Takes a tar's entries one after the other. */
export interface EntryTaker {
  begin(entry: TarEntry): void;
  /** The next bytes of the content of the entry that was begun, whose memory is used again. */
  write(bytes: Buffer): void;
  /** Its content was complete. */
  end(): void;
}

/** What extended headers say of the next entry. */
interface Extensions {
  readonly records?: ReadonlyMap<string, string>;
  readonly longName?: string;
  readonly longTarget?: string;
}

/**
 * Reads a tar that comes in chunks, and gives its entries to a taker. Its structure must be sound, so that every reader sees the same
 * entries in it: checksums are right, sizes are plain numbers, names are UTF-8, extended headers are well-formed and small, two zero
 * blocks end it and nothing but zeros follows. Faults are Refusals; what the taker throws goes through.
 */
export class TarReader {
  readonly #taker: EntryTaker;
  /** Bytes of a header block, or of the extension that is collected. */
  readonly #parts: Buffer[] = [];
  #missing: number = BLOCK;
  /** Type and size of the extension that is collected. */
  #extension: { readonly type: string; readonly size: number } | undefined;
  /** undefined unless an entry must follow. */
  #extensions: Extensions | undefined;
  /** Bytes of content that are still to come, and what fills its last block. */
  #content = 0;
  #padding = 0;
  #zeroBlocks = 0;
  /** Name of the entry that was read last. */
  #last: string | undefined;

  constructor(taker: EntryTaker) {
    this.#taker = taker;
  }

  /** Reads the next bytes of the tar; nothing keeps them. */
  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#zeroBlocks < 2) {
      const left = this.#content || this.#padding || this.#missing;
      const end = Math.min(at + left, chunk.length);
      if (this.#content > 0) this.#pass(chunk.subarray(at, end));
      else if (this.#padding > 0) this.#padding -= end - at;
      else this.#collect(chunk.subarray(at, end));
      at = end;
    }
    if (!isZero(chunk.subarray(at))) throw this.#refusal("something follows its end");
  }

  /** To be called when there are no more. */
  finish(): void {
    if (this.#zeroBlocks < 2) throw this.#refusal("it is cut off");
  }

  #pass(bytes: Buffer): void {
    this.#content -= bytes.length;
    this.#taker.write(bytes);
    if (this.#content === 0) this.#taker.end();
  }

  #collect(part: Buffer): void {
    this.#missing -= part.length;
    if (this.#missing > 0) {
      // A copy: what comes with it is long done with when the rest is here.
      this.#parts.push(Buffer.from(part));
      return;
    }
    const whole = this.#parts.length === 0 ? part : Buffer.concat([...this.#parts.splice(0), part]);
    this.#missing = BLOCK;
    if (this.#extension === undefined) this.#readHeader(whole);
    else this.#readExtension(this.#extension, whole);
  }

  #readHeader(block: Buffer): void {
    if (isZero(block)) {
      if (this.#extensions) throw this.#refusal("an extended header has no entry");
      this.#zeroBlocks += 1;
      return;
    }
    const header = parseHeader(block, this.#last);
    const { name, size, type } = header;
    if (this.#zeroBlocks > 0) throw Refusal.at(name, "it follows the end of the archive");
    if (type === OLD_LONG_NAME) throw Refusal.at(name, "it has a form of long name that is out of use");
    if (!EXTENSIONS.has(type)) this.#beginEntry(header);
    else if (size === 0 || size > MAX_EXTENSION) throw Refusal.at(name, `an extended header of ${size} bytes`);
    else {
      this.#extension = { type, size };
      this.#missing = roundUp(size);
    }
  }

  #readExtension({ type, size }: { readonly type: string; readonly size: number }, padded: Buffer): void {
    const body = padded.subarray(0, size);
    this.#extension = undefined;
    if (type === "g") this.#checkGlobal(this.#parse(body));
    else if (type === "L") this.#extensions = { ...this.#extensions, longName: textOf(body, 0, size) };
    else if (type === "K") this.#extensions = { ...this.#extensions, longTarget: textOf(body, 0, size) };
    else {
      if (this.#extensions?.records) throw this.#refusal("two extended headers for one entry");
      this.#extensions = { ...this.#extensions, records: this.#parse(body) };
    }
  }

  #checkGlobal(records: ReadonlyMap<string, string>): void {
    if (ENTRY_RECORDS.some((key) => records.has(key)) || isSparse(records)) {
      throw this.#refusal("a global extended header names or sizes entries");
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

  #beginEntry(header: EntryHeader): void {
    const { records, longName, longTarget } = this.#extensions ?? {};
    this.#extensions = undefined;
    const name = records?.get("path") || longName || header.name;
    const target = records?.get("linkpath") || longTarget || header.target;
    this.#last = name;
    if (records && isSparse(records)) throw Refusal.at(name, "sparse files are not supported");
    const size = sizeOfEntry(header.size, records?.get("size"), name);
    this.#content = size;
    this.#padding = roundUp(size) - size;
    this.#taker.begin({
      name,
      type: TYPES.get(header.type) ?? null,
      mode: header.mode,
      size,
      mtime: header.mtime,
      target,
    });
    if (size === 0) this.#taker.end();
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

function isZero(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1)));
}

function roundUp(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}
