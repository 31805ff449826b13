import { constants } from "node:fs";
import { SpkociError } from "../base/errors.js";
import { type FileCalls, pooledCalls } from "../base/file-calls.js";
import { type Op, throwIfAborted } from "../base/op.js";

const CHUNK = 64 * 1024;

/**
 * The text of a small file.
 * @throws SpkociError DOCUMENT_TOO_LARGE past `limit` bytes; system errors as they are.
 */
export async function readTextFile(
  path: string,
  limit: number,
  op?: Op,
  calls: FileCalls = pooledCalls,
): Promise<string> {
  throwIfAborted(op);
  const file = await calls.open(path, constants.O_RDONLY);
  try {
    throwIfAborted(op);
    const stat = await calls.fstat(file);
    const bytes =
      stat.isFile() && stat.size <= limit
        ? await readKnown(file, Number(stat.size), op, calls)
        : await readToEnd(file, path, limit, op, calls);
    return bytes.toString("utf8");
  } catch (error) {
    throwIfAborted(op);
    throw error;
  } finally {
    await calls.close(file);
  }
}

/** As many bytes at most, in memory of just that size: a stream takes 64 KB for each of thousands of small files. */
async function readKnown(file: number, size: number, op: Op | undefined, calls: FileCalls): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    throwIfAborted(op);
    const read = await calls.read(file, bytes.subarray(length));
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

/** What is no plain file, or too large. */
async function readToEnd(
  file: number,
  path: string,
  limit: number,
  op: Op | undefined,
  calls: FileCalls,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let length = 0; length <= limit; ) {
    throwIfAborted(op);
    const chunk = Buffer.allocUnsafe(CHUNK);
    const read = await calls.read(file, chunk);
    if (read === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, read));
    length += read;
  }
  throw new SpkociError("DOCUMENT_TOO_LARGE", `${path} is larger than ${limit} bytes`);
}
