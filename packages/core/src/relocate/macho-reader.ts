import { type ByteSource, invalidBinary } from "./byte-source.js";

/** Reads and writes the 32-bit numbers of one byte order. */
export interface WordCodec {
  word(bytes: Buffer, at: number): number;
  setWord(bytes: Buffer, at: number, value: number): void;
}

export interface LoadCommand {
  readonly bytes: Buffer;
  /** The path of a library or run path, without its NUL, and where it begins in the command. */
  readonly path: { readonly at: number; readonly bytes: Buffer } | undefined;
}

/** The load commands of one architecture. */
export interface CommandBlock {
  readonly codec: WordCodec;
  /** Where they begin in the file, and their length. */
  readonly offset: number;
  readonly length: number;
  /** Bytes from there to what follows them. */
  readonly room: number;
  /** Lengths of commands are multiples of this. */
  readonly align: number;
  /** Where in the file the header says their length. */
  readonly sizeAt: number;
  readonly commands: readonly LoadCommand[];
}

const FAT = 0xcafebabe;
const FAT_64 = 0xcafebabf;
const THIN_32 = 0xfeedface;
const THIN_64 = 0xfeedfacf;
/** More architectures than this are no Mach-O file: Java classes begin with the same number and a version of 45 or more. */
const ARCHITECTURES = 30;

const MH_OBJECT = 1;
const LC_SEGMENT = 1;
const LC_SEGMENT_64 = 0x19;
/** LC_LOAD_DYLIB, LC_ID_DYLIB, LC_LOAD_WEAK_DYLIB, LC_RPATH, LC_REEXPORT_DYLIB, LC_LAZY_LOAD_DYLIB, LC_LOAD_UPWARD_DYLIB. */
const PATH_COMMANDS: ReadonlySet<number> = new Set([0xc, 0xd, 0x80000018, 0x8000001c, 0x8000001f, 0x20, 0x80000023]);

const BIG: WordCodec = {
  word: (bytes, at) => bytes.readUInt32BE(at),
  setWord: (bytes, at, value) => bytes.writeUInt32BE(value, at),
};
const LITTLE: WordCodec = {
  word: (bytes, at) => bytes.readUInt32LE(at),
  setWord: (bytes, at, value) => bytes.writeUInt32LE(value, at),
};

export function isMachO(source: ByteSource): boolean {
  if (source.size < 8) return false;
  const start = source.read(0, 8);
  return codecOf(start) !== undefined || isFat(start);
}

/**
 * The load commands of each architecture in the file; none for object files.
 * @throws SpkociError RELOCATION_INVALID_BINARY
 */
export function readCommands(source: ByteSource): CommandBlock[] {
  const start = source.read(0, 8);
  if (!isFat(start)) return readSlice(source, 0, source.size);
  const is64 = BIG.word(start, 0) === FAT_64;
  const size = is64 ? 32 : 20;
  const count = BIG.word(start, 4);
  const table = source.read(8, count * size);
  return Array.from({ length: count }, (_, i) => {
    const at = i * size + 8;
    const offset = is64 ? Number(table.readBigUInt64BE(at)) : BIG.word(table, at);
    const length = is64 ? Number(table.readBigUInt64BE(at + 8)) : BIG.word(table, at + 4);
    if (offset + length > source.size) throw invalidBinary(source.name, "an architecture lies outside of it");
    return readSlice(source, offset, length);
  }).flat();
}

function isFat(start: Buffer): boolean {
  const magic = BIG.word(start, 0);
  return (magic === FAT || magic === FAT_64) && BIG.word(start, 4) <= ARCHITECTURES;
}

function codecOf(start: Buffer): { codec: WordCodec; is64: boolean } | undefined {
  for (const codec of [LITTLE, BIG]) {
    const magic = codec.word(start, 0);
    if (magic === THIN_32 || magic === THIN_64) return { codec, is64: magic === THIN_64 };
  }
  return undefined;
}

function readSlice(source: ByteSource, sliceAt: number, sliceLength: number): CommandBlock[] {
  const head = source.read(sliceAt, 28);
  const kind = codecOf(head);
  // Universal static archives have archives as their parts.
  if (kind === undefined) return [];
  const { codec, is64 } = kind;
  if (codec.word(head, 12) === MH_OBJECT) return [];
  const headerSize = is64 ? 32 : 28;
  const [count, length] = [codec.word(head, 16), codec.word(head, 20)];
  if (headerSize + length > sliceLength) throw invalidBinary(source.name, "its load commands end outside of it");
  const offset = sliceAt + headerSize;
  const block = source.read(offset, length);
  const commands: LoadCommand[] = [];
  let at = 0;
  let contentAt = sliceLength;
  for (let left = count; left > 0; left -= 1) {
    const size = at + 8 <= length ? codec.word(block, at + 4) : 0;
    if (size < 8 || at + size > length) throw invalidBinary(source.name, "its load commands overlap");
    const bytes = block.subarray(at, at + size);
    commands.push({ bytes, path: pathOf(source, codec, bytes) });
    for (const contentOffset of contentOffsets(source, codec, bytes)) contentAt = Math.min(contentAt, contentOffset);
    at += size;
  }
  const room = Math.max(length, contentAt - headerSize);
  const used = block.subarray(0, at);
  return [{ codec, offset, length: used.length, room, align: is64 ? 8 : 4, sizeAt: sliceAt + 20, commands }];
}

function pathOf(source: ByteSource, codec: WordCodec, bytes: Buffer): LoadCommand["path"] {
  if (!PATH_COMMANDS.has(codec.word(bytes, 0))) return undefined;
  const at = bytes.length >= 12 ? codec.word(bytes, 8) : bytes.length;
  if (at < 12 || at >= bytes.length)
    throw invalidBinary(source.name, "a library's name lies outside of its load command");
  const end = bytes.indexOf(0, at);
  return { at, bytes: bytes.subarray(at, end < 0 ? bytes.length : end) };
}

/** Offsets of a segment's sections in the file; sections without content have none. */
function contentOffsets(source: ByteSource, codec: WordCodec, bytes: Buffer): number[] {
  const command = codec.word(bytes, 0);
  if (command !== LC_SEGMENT && command !== LC_SEGMENT_64) return [];
  const [headSize, countAt, size, offsetAt] = command === LC_SEGMENT_64 ? [72, 64, 80, 48] : [56, 48, 68, 40];
  if (bytes.length < headSize) throw invalidBinary(source.name, "a segment's load command is too short");
  const count = codec.word(bytes, countAt);
  if (headSize + count * size > bytes.length) throw invalidBinary(source.name, "a segment has too many sections");
  return Array.from({ length: count }, (_, i) => codec.word(bytes, headSize + i * size + offsetAt)).filter(
    (offset) => offset > 0,
  );
}
