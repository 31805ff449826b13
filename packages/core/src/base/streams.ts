import { finished, pipeline, Readable, Transform, type TransformCallback } from "node:stream";
import type { Digest } from "./digest.js";
import { Hasher } from "./digest.js";
import { SpkociError } from "./errors.js";

export interface Expected {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/**
 * Passes bytes on and fails with SIZE_MISMATCH as soon as there are more than expected, at the end if there
 * were fewer, and with DIGEST_MISMATCH at the end if they hash to something else; with DOCUMENT_INVALID if the digest is of an
 * unknown algorithm. `what` names the content.
 */
export function verifying(expected: Expected, what: string): Transform {
  let hasher: Hasher;
  let seen = 0;
  return new Transform({
    construct(done: (error?: Error | null) => void): void {
      try {
        hasher = new Hasher(expected.digest);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      seen += chunk.length;
      if (seen > expected.size) {
        done(sizeMismatch(what, expected.size, `more than ${expected.size}`));
        return;
      }
      hasher.update(chunk);
      done(null, chunk);
    },
    flush(done: TransformCallback): void {
      done(mismatch(what, expected, seen, hasher) ?? null);
    },
  });
}

/**
 * `source` as `verifying` passes it on. Ending early, an error and an abort (with the signal's reason) close both streams.
 */
export function verified(source: Readable, expected: Expected, what: string, signal?: AbortSignal): Readable {
  const checked = verifying(expected, what);
  // The caller sees failures on the stream that it reads.
  pipeline(source, checked, () => {});
  if (signal) {
    const stop = (): void => {
      checked.destroy(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    checked.once("close", () => signal.removeEventListener("abort", stop));
  }
  return checked;
}

function mismatch(what: string, expected: Expected, seen: number, hasher: Hasher): SpkociError | undefined {
  if (seen !== expected.size) return sizeMismatch(what, expected.size, String(seen));
  const actual = hasher.digest();
  if (actual === expected.digest) return undefined;
  return new SpkociError("DIGEST_MISMATCH", `${what} should have digest ${expected.digest} but has ${actual}`, {
    hint: "The content is damaged or was replaced.",
  });
}

function sizeMismatch(what: string, expected: number, seen: string): SpkociError {
  return new SpkociError("SIZE_MISMATCH", `${what} should have ${expected} bytes but has ${seen}`, {
    hint: "The content is damaged, cut off or was replaced.",
  });
}

/** Checks bytes in memory like `verifying` checks a stream. */
export function verifyBytes(bytes: Uint8Array, expected: Expected, what: string): void {
  const hasher = new Hasher(expected.digest);
  hasher.update(bytes);
  const error = mismatch(what, expected, bytes.length, hasher);
  if (error) throw error;
}

/**
 * The whole stream in memory, for documents only.
 * @throws SpkociError DOCUMENT_TOO_LARGE past `limit` bytes; the stream is destroyed.
 */
export function collect(stream: Readable, limit: number, what: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // Iterating over the stream would take twice the time of processor for small documents.
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) stream.destroy(new SpkociError("DOCUMENT_TOO_LARGE", `${what} is larger than ${limit} bytes`));
      else chunks.push(chunk);
    });
    finished(stream, { writable: false }, (error) => (error ? reject(error) : resolve(Buffer.concat(chunks))));
  });
}

/** The chunks of a stream in groups of at least `size` bytes, the last perhaps of fewer. */
export async function* inGroups(
  stream: AsyncIterable<Buffer>,
  size: number,
): AsyncGenerator<Buffer[], void, undefined> {
  let group: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    group.push(chunk);
    length += chunk.length;
    if (length < size) continue;
    yield group;
    group = [];
    length = 0;
  }
  if (length > 0) yield group;
}

/** The chunks of a stream joined to at least `size` bytes each, the last perhaps fewer. */
export async function* inBatches(stream: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer, void, undefined> {
  for await (const group of inGroups(stream, size)) {
    const [first] = group;
    yield first !== undefined && group.length === 1 ? first : Buffer.concat(group);
  }
}

/** Passes bytes on and reports how many went by since the last call. */
export function counting(onBytes: (bytes: number) => void): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
}

/** `stream` with its bytes reported as `counting` does; an end of either ends both. */
export function counted(stream: Readable, onBytes: (bytes: number) => void): Readable {
  const counter = counting(onBytes);
  stream.once("error", (error) => counter.destroy(error));
  counter.once("close", () => stream.destroy());
  return stream.pipe(counter);
}

/** A stream of bytes that are in memory already. */
export function readableOf(bytes: Uint8Array): Readable {
  return Readable.from([bytes], { objectMode: false });
}
