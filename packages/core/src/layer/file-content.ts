import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { SpkociError } from "../base/errors.js";
import { type FileEntry, readingFailed } from "./entries.js";

/** Bytes of a file in memory at once. */
export const READ_SIZE: number = 256 * 1024;

/** Neither follows a link nor waits for a pipe that took the file's place. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The content of a listed file in chunks of READ_SIZE, the last one shorter; none for an empty file. Read once; at the end the file
 * must still be the one that was listed.
 * @throws SpkociError FILE_UNREADABLE; FILE_CHANGED if its size, time or inode differ, or it vanished.
 */
export async function* readContent(path: string, listed: FileEntry): AsyncGenerator<Buffer, void, undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, FLAGS);
    for (let at = 0; at < listed.size; ) {
      const chunk = await readChunk(file, Math.min(READ_SIZE, listed.size - at));
      if (chunk.length === 0) throw changed(path);
      at += chunk.length;
      yield chunk;
    }
    await assertSame(file, path, listed);
  } catch (error) {
    throw readingFailed(error, path);
  } finally {
    await file?.close();
  }
}

/** The content of a listed file that is not larger than READ_SIZE, read and checked as by `readContent`. */
export async function readSmallContent(path: string, listed: FileEntry): Promise<Buffer> {
  let content: Buffer = Buffer.alloc(0);
  for await (const chunk of readContent(path, listed)) content = chunk;
  return content;
}

/** `length` bytes; fewer at the end of the file. */
async function readChunk(file: FileHandle, length: number): Promise<Buffer> {
  const chunk = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(chunk, filled, length - filled, null);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return chunk.subarray(0, filled);
}

async function assertSame(file: FileHandle, path: string, listed: FileEntry): Promise<void> {
  const now = await file.stat({ bigint: true });
  const same = now.size === BigInt(listed.size) && now.mtimeNs === listed.mtimeNs && now.ino === listed.inode;
  if (!same) throw changed(path);
}

function changed(path: string): SpkociError {
  return new SpkociError("FILE_CHANGED", `${path} changed while it was read`, {
    hint: "Push again when nothing writes to the package.",
  });
}
