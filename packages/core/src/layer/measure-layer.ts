import type { Readable } from "node:stream";
import { decompress } from "./decompression.js";
import { Refusal } from "./unpack-refusal.js";

/**
 * Bytes of a layer's plain tar. Nothing but reading the layer whole tells: what gzip says of itself is wrong for several members, and
 * from 4 GiB on.
 * @param layer the layer's bytes as they are stored; its errors are thrown as they are
 * @param what names the layer in messages
 * @param onBytes hears of bytes that were read
 * @throws SpkociError ARCHIVE_REFUSED if it is damaged, UNSUPPORTED_COMPRESSION
 */
export async function measureLayer(layer: Readable, what: string, onBytes: (bytes: number) => void): Promise<number> {
  let size = 0;
  try {
    await decompress(counted(layer, onBytes), (plain) => {
      size += plain.length;
    });
  } catch (error) {
    throw error instanceof Refusal ? error.toError(what) : error;
  }
  return size;
}

async function* counted(layer: AsyncIterable<Buffer>, onBytes: (bytes: number) => void): AsyncGenerator<Buffer, void> {
  for await (const chunk of layer) {
    onBytes(chunk.length);
    yield chunk;
  }
}
