import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { SpkociError } from "../base/errors.js";

/** The bytes of one file, read in pieces where they are needed. */
export interface ByteSource {
  /** For messages. */
  readonly name: string;
  readonly size: number;
  /**
   * Exactly `length` bytes, not to be changed.
   * @throws SpkociError RELOCATION_INVALID_BINARY if the file doesn't have them
   */
  read(offset: number, length: number): Buffer;
}

/** A place in a file, in bytes. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** Bytes to write at a place; beyond the end of the file they make it longer, with zeros in between. */
export interface Edit {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** A file that is in memory. */
export function bufferSource(bytes: Buffer, name = "file"): ByteSource {
  return {
    name,
    size: bytes.length,
    read: (offset, length) => {
      checkSpan(name, bytes.length, offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** A file on disk, and how to close it. Symbolic links are not followed. */
export function openFileSource(path: string, name: string = path): ByteSource & { close(): void } {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const { size } = fstatSync(file);
  return {
    name,
    size,
    read: (offset, length) => {
      checkSpan(name, size, offset, length);
      const bytes = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const count = readSync(file, bytes, filled, length - filled, offset + filled);
        if (count === 0) throw invalidBinary(name, "it became shorter while it was read");
        filled += count;
      }
      return bytes;
    },
    close: () => closeSync(file),
  };
}

/** The file with the edits made, in order; itself if there are none. */
export function applyEdits(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes;
  const size = edits.reduce((end, edit) => Math.max(end, edit.offset + edit.bytes.length), bytes.length);
  const edited = Buffer.allocUnsafe(size);
  bytes.copy(edited);
  edited.fill(0, bytes.length);
  for (const edit of edits) edit.bytes.copy(edited, edit.offset);
  return edited;
}

export function invalidBinary(name: string, why: string): SpkociError {
  return new SpkociError("RELOCATION_INVALID_BINARY", `${name} can't be edited: ${why}`);
}

function checkSpan(name: string, size: number, offset: number, length: number): void {
  const fits = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (fits && offset + length <= size) return;
  throw invalidBinary(name, `its headers name bytes ${offset} to ${offset + length} of ${size}`);
}
