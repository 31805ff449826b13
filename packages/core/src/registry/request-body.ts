import { pipeline, type Readable, Transform, type TransformCallback } from "node:stream";
import type { Op } from "../base/op.js";
import { type Expected, readableOf, verifying } from "../base/streams.js";

/** What a request sends. It can be opened for every try. */
export interface RequestBody {
  /** Bytes that were sent before, which the registry stores before it answers. */
  readonly sentBefore?: number;
  /** Bytes; undefined for a body that is still being made, which is sent in pieces (RFC 9112, 7.1). */
  readonly size: number | undefined;
  /** A stream of exactly `size` bytes, or one that fails before its last. */
  open(op?: Op): Promise<Readable>;
}

export function bodyOfBytes(bytes: Uint8Array): RequestBody {
  return { size: bytes.length, open: async () => readableOf(bytes) };
}

/**
 * A blob as a body. Its last chunk is held back until size and digest are known to be right, so that a registry never gets
 * wrong content whole.
 */
export function verifiedBody(expected: Expected, what: string, open: (op?: Op) => Promise<Readable>): RequestBody {
  return {
    size: expected.size,
    open: async (op) => {
      const last = holdingLast();
      pipeline(await open(op), verifying(expected, what), last, () => {});
      return last;
    },
  };
}

/** Passes chunks on, each when the next one comes, the last when the stream has ended well. */
function holdingLast(): Transform {
  let held: Buffer | undefined;
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      const before = held;
      held = chunk;
      done(null, before);
    },
    flush(done: TransformCallback): void {
      done(null, held);
    },
  });
}
