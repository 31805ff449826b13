/** Size of a tar's blocks: a header is one, content is filled up to a multiple. */
export const TAR_BLOCK = 512;

/** What a header says that matters here (POSIX.1, pax, ustar Interchange Format). */
export interface TarHeader {
  readonly name: string;
  /** Type flag; "0" for a file. */
  readonly type: string;
  /** Bytes that follow, without what fills the last block. */
  readonly size: number;
}

/** Field of a header: where it begins and its bytes. */
type Field = readonly [at: number, length: number];

const NAME: Field = [0, 100];
const MODE: Field = [100, 8];
const UID: Field = [108, 8];
const GID: Field = [116, 8];
const SIZE: Field = [124, 12];
const TIME: Field = [136, 12];
const CHECKSUM: Field = [148, 8];
const TYPE = 156;
const TARGET: Field = [157, 100];
const MAGIC: Field = [257, 8];
const DEVICE_MAJOR: Field = [329, 8];
const DEVICE_MINOR: Field = [337, 8];
const PREFIX: Field = [345, 155];

/** The largest size that the field holds as octal digits; larger ones are written in GNU's binary form, which every reader knows. */
const OCTAL_LIMIT = 8 ** 11 - 1;
const BINARY = 0x80;
/** A file, as POSIX, older programs and those that ask for contiguous space mark it. */
const FILE_FLAGS: ReadonlySet<string> = new Set(["0", "\0", "7"]);

/** Type flags of the entries that spkoci writes (POSIX.1, pax, ustar and pax Interchange Format). */
export type TarType = "0" | "1" | "2" | "5" | "x";

/** What an entry's header says; owner and time are 0 in all of them. */
export interface TarEntryHeader {
  /** At most 100 bytes, of them `prefix` and a slash are taken off. */
  readonly name: string;
  /** What stands before `name`, without the slash between them; at most 155 bytes. */
  readonly prefix?: string;
  readonly type: TarType;
  readonly mode: number;
  /** Bytes of content. */
  readonly size: number;
  /** At most 100 bytes. */
  readonly target?: string;
}

/** What is the same in every header. */
const TEMPLATE: Buffer = makeTemplate();

/** The header block of an entry. All text is ASCII. */
export function formatTarHeader({ name, prefix, type, mode, size, target }: TarEntryHeader): Buffer {
  const header = Buffer.from(TEMPLATE);
  header.write(name, ...NAME);
  writeOctal(header, MODE, mode);
  if (size <= OCTAL_LIMIT) writeOctal(header, SIZE, size);
  else writeBinary(header, SIZE, size);
  header.write(type, TYPE);
  if (target !== undefined) header.write(target, ...TARGET);
  if (prefix !== undefined) header.write(prefix, ...PREFIX);
  writeOctal(header, CHECKSUM, checksumOf(header));
  return header;
}

function makeTemplate(): Buffer {
  const header = Buffer.alloc(TAR_BLOCK);
  for (const field of [UID, GID, TIME, DEVICE_MAJOR, DEVICE_MINOR]) writeOctal(header, field, 0);
  header.write("ustar\x0000", MAGIC[0], "latin1");
  return header;
}

/** A header from its block; undefined for a block that is none: its checksum is wrong or its size can't be. */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  if (readOctal(block, CHECKSUM) !== checksumOf(block)) return undefined;
  const size = (block[SIZE[0]] ?? 0) >= BINARY ? readBinary(block, SIZE) : readOctal(block, SIZE);
  if (size === undefined) return undefined;
  const flag = String.fromCharCode(block[TYPE] ?? 0);
  const prefix = block.toString("latin1", ...endsOf(MAGIC)).startsWith("ustar\0") ? readText(block, PREFIX) : "";
  const name = readText(block, NAME);
  return { name: prefix === "" ? name : `${prefix}/${name}`, type: FILE_FLAGS.has(flag) ? "0" : flag, size };
}

/** Bytes that content of this size takes, filled up. */
export function paddedSize(size: number): number {
  return Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
}

/** Octal digits that end with a space; fields of 8 bytes have one byte more, a NUL. */
function writeOctal(header: Buffer, [at, length]: Field, value: number): void {
  const digits = length === 8 ? 6 : length - 1;
  header.write(`${value.toString(8).padStart(digits, "0")} `, at, "latin1");
}

function writeBinary(header: Buffer, [at, length]: Field, value: number): void {
  header.writeBigUInt64BE(BigInt(value), at + length - 8);
  header[at] = BINARY;
}

function readOctal(block: Buffer, field: Field): number | undefined {
  const text = /^ *([0-7]*)[ \0]*$/.exec(block.toString("latin1", ...endsOf(field)));
  return text ? Number.parseInt(text[1] || "0", 8) : undefined;
}

/** Undefined for what no number holds exactly. */
function readBinary(block: Buffer, [at, length]: Field): number | undefined {
  const leading = block.subarray(at + 1, at + length - 8);
  const value = Number(block.readBigUInt64BE(at + length - 8));
  const fits = block[at] === BINARY && leading.every((byte) => byte === 0) && Number.isSafeInteger(value);
  return fits ? value : undefined;
}

function readText(block: Buffer, field: Field): string {
  const text = block.toString("utf8", ...endsOf(field));
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** Sum of all bytes, those of the checksum itself counted as spaces. */
function checksumOf(block: Buffer): number {
  const [from, to] = endsOf(CHECKSUM);
  let sum = (to - from) * 0x20;
  for (let at = 0; at < TAR_BLOCK; at += 1) if (at < from || at >= to) sum += block[at] ?? 0;
  return sum;
}

function endsOf([at, length]: Field): [from: number, to: number] {
  return [at, at + length];
}
