import { type FileHandle, open } from "node:fs/promises";
import { type Op, throwIfAborted } from "../base/op.js";
import { collect } from "../base/streams.js";

/**
 * The text of a small file.
 * @throws SpkociError DOCUMENT_TOO_LARGE past `limit` bytes; system errors as they are.
 */
export async function readTextFile(path: string, limit: number, op?: Op): Promise<string> {
  throwIfAborted(op);
  const file = await open(path, "r");
  try {
    throwIfAborted(op);
    const stat = await file.stat();
    const bytes =
      stat.isFile() && stat.size <= limit
        ? await readKnown(file, stat.size, op)
        : await readStream(file, path, limit, op);
    return bytes.toString("utf8");
  } catch (error) {
    throwIfAborted(op);
    throw error;
  } finally {
    await file.close();
  }
}

/** As many bytes at most, in memory of just that size: a stream takes 64 KB for each of thousands of small files. */
async function readKnown(file: FileHandle, size: number, op: Op | undefined): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    throwIfAborted(op);
    const { bytesRead } = await file.read(bytes, length, size - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

/** What is no plain file, or too large. */
async function readStream(file: FileHandle, path: string, limit: number, op: Op | undefined): Promise<Buffer> {
  // A stream that is made with an aborted signal fails before anybody listens.
  throwIfAborted(op);
  const signal = op?.signal;
  return collect(file.createReadStream({ autoClose: false, ...(signal ? { signal } : {}) }), limit, path);
}
