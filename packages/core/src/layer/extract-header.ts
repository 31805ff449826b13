import { isUtf8 } from "node:buffer";
import { Refusal } from "./unpack-refusal.js";

/** Size of a tar's blocks: a header is one, content is filled up to a multiple. */
export const BLOCK = 512;

const USTAR = Buffer.from("ustar\0");
const GNU = Buffer.from("ustar  \0");

const SPACE = 0x20;
const ZERO = 0x30;
const SEVEN = 0x37;

/** What the header block of an entry says. */
export interface EntryHeader {
  readonly name: string;
  /** Type flag. */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** Undefined where the field holds no number. */
  readonly mode: number | undefined;
  /** Seconds since 1970; 0 where the field holds no such number. */
  readonly mtime: number;
  /** Target of a link; empty for others. */
  readonly target: string;
}

/**
 * Reads a header block (POSIX.1, pax, ustar Interchange Format; GNU tar's).
 * @param last name of the entry before it, for messages
 * @throws Refusal unless its checksum is right, its size a plain number, and its names are UTF-8
 */
export function parseHeader(block: Buffer, last: string | undefined): EntryHeader {
  if (checksumOf(block) !== parseOctal(block, 148, 8)) throw Refusal.after(last, "a header is damaged");
  const name = textOf(block, 0, 100);
  const size = parseNumber(block, 124, 12);
  if (size === undefined) throw Refusal.at(name, "its size is not a number");
  const target = textOf(block, 157, 100);
  const prefix = textOf(block, 345, 155);
  const isUstar = standsAt(block, 257, USTAR);
  if (!isUstar && !standsAt(block, 257, GNU))
    throw Refusal.after(last, "it can't be read: a header is of an unknown format");
  return {
    name: isUstar && prefix !== "" ? `${prefix}/${name}` : name,
    type: String.fromCharCode(block[156] ?? 0),
    size,
    mode: parseNumber(block, 100, 8),
    mtime: parseNumber(block, 136, 12) ?? 0,
    target,
  };
}

/** The text of a field or of a long name, up to its first NUL. */
export function textOf(bytes: Buffer, start: number, length: number): string {
  let end = start;
  let bits = 0;
  for (; end < start + length && bytes[end]; end += 1) bits |= bytes[end] ?? 0;
  if (bits < 0x80) return bytes.toString("latin1", start, end);
  const text = bytes.toString("utf8", start, end);
  if (!isUtf8(bytes.subarray(start, end))) throw Refusal.at(text, "a name is not UTF-8");
  return text;
}

/** A number in octal digits, or in GNU tar's form for large ones. undefined if it is neither, or no number holds it exactly. */
function parseNumber(block: Buffer, start: number, length: number): number | undefined {
  if (block[start] !== 0x80) return parseOctal(block, start, length);
  const value = Number(BigInt(`0x${block.toString("hex", start + 1, start + length)}`));
  return Number.isSafeInteger(value) ? value : undefined;
}

/** An octal number with spaces before it, and spaces or NULs behind it; 0 if there is none. */
function parseOctal(block: Buffer, start: number, length: number): number | undefined {
  const end = start + length;
  let at = start;
  let value = 0;
  while (at < end && block[at] === SPACE) at += 1;
  for (; at < end && isOctal(block[at] ?? 0); at += 1) value = value * 8 + (block[at] ?? 0) - ZERO;
  while (at < end && (block[at] === SPACE || block[at] === 0)) at += 1;
  return at === end ? value : undefined;
}

function isOctal(byte: number): boolean {
  return byte >= ZERO && byte <= SEVEN;
}

function standsAt(block: Buffer, start: number, bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i += 1) if (block[start + i] !== bytes[i]) return false;
  return true;
}

/** Sum of the header's bytes, with spaces for the sum itself. */
function checksumOf(block: Buffer): number {
  let sum = 8 * SPACE;
  for (let i = 0; i < 148; i += 1) sum += block[i] ?? 0;
  for (let i = 156; i < BLOCK; i += 1) sum += block[i] ?? 0;
  return sum;
}
