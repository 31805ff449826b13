import { open } from "node:fs/promises";
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
    // A stream that is made with an aborted signal fails before anybody listens.
    throwIfAborted(op);
    const signal = op?.signal;
    const stream = file.createReadStream({ autoClose: false, ...(signal ? { signal } : {}) });
    return (await collect(stream, limit, path)).toString("utf8");
  } catch (error) {
    throwIfAborted(op);
    throw error;
  } finally {
    await file.close();
  }
}
