import { isAscii, isUtf8 } from "node:buffer";

export type FileKind = "binary" | "text" | "other";

/** Bytes at the start that decide on `binary`; smaller files are `other`. */
const MAGIC_LENGTH = 8;

const MACHO_MAGICS: ReadonlySet<number> = new Set([0xcffaedfe, 0xfeedfacf, 0xcefaedfe, 0xfeedface]);

/**
 * Tells the kinds of file that Spack relocates, from the bytes as they come; it keeps none of the chunks. ELF and Mach-O files are `binary`, known from their
 * first 8 bytes. `text` is known only at the end: all of it is valid UTF-8, or has no NUL and none of 0x7F to 0x9F.
 */
export class KindDetector {
  #start: Buffer = Buffer.alloc(0);
  #started = false;
  #binary = false;
  #utf8 = true;
  #latin1 = true;
  /** The end of the last chunk, where it is the start of a UTF-8 sequence. */
  #partial: Buffer = Buffer.alloc(0);

  /** Whether the rest of the file can still change the answer. */
  get open(): boolean {
    return !this.#binary && (this.#utf8 || this.#latin1);
  }

  /** Whether it is a binary, as far as is known. */
  get isBinary(): boolean {
    return this.#binary;
  }

  update(chunk: Buffer): void {
    if (this.#started) {
      this.#read(chunk);
      return;
    }
    const start = this.#start.length === 0 ? chunk : Buffer.concat([this.#start, chunk]);
    if (start.length < MAGIC_LENGTH) {
      this.#start = Buffer.from(start);
      return;
    }
    this.#started = true;
    this.#start = Buffer.alloc(0);
    this.#binary = isElf(start) || isMachO(start);
    this.#read(start);
  }

  /** The answer, once the whole file has been seen. */
  finish(): FileKind {
    if (!this.#started) return "other";
    if (this.#binary) return "binary";
    return (this.#utf8 && this.#partial.length === 0) || this.#latin1 ? "text" : "other";
  }

  #read(chunk: Buffer): void {
    if (!this.open) return;
    const ascii = isAscii(chunk);
    if (this.#latin1) this.#latin1 = ascii ? !chunk.includes(0) && !chunk.includes(0x7f) : isLatin1Text(chunk);
    if (this.#utf8 && !(ascii && this.#partial.length === 0)) this.#readUtf8(chunk);
  }

  #readUtf8(chunk: Buffer): void {
    const bytes = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk]);
    const end = lengthOfWholeSequences(bytes);
    this.#utf8 = isUtf8(bytes.subarray(0, end));
    this.#partial = Buffer.from(bytes.subarray(end));
  }
}

function isElf(start: Buffer): boolean {
  return start.readUInt32BE(0) === 0x7f454c46;
}

/** One architecture, or several. Java classes begin like the latter, but have a version of 45 or more where it has a count. */
function isMachO(start: Buffer): boolean {
  const magic = start.readUInt32BE(0);
  if (MACHO_MAGICS.has(magic)) return true;
  if (magic === 0xcafebabe) return start.readUInt32BE(4) < 10;
  return magic === 0xbebafeca && start.readUInt32LE(4) < 10;
}

function isLatin1Text(chunk: Buffer): boolean {
  for (const byte of chunk) {
    if (byte === 0 || (byte >= 0x7f && byte <= 0x9f)) return false;
  }
  return true;
}

/** Bytes up to a last UTF-8 sequence that is cut off; all of them if there is none. */
function lengthOfWholeSequences(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return sequenceLength(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}
