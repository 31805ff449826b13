import { pipeline, type Readable, Transform, type TransformCallback } from "node:stream";
import type { Watch } from "./watch.js";

/** A request's body on its way. */
export interface UploadStream {
  readonly stream: Readable;
  /** Why the source failed, if it was the source. */
  failure(): unknown;
}

/** A registry may move an upload to its storage before it answers; for each byte it gets this much more time, ms. */
const STORING_MS_PER_BYTE = 1e-4;

/** Passes a source on and touches the watch for each chunk; after the last one the answer may take `idleMs` and more. */
export function watchUpload(source: Readable, watch: Watch, idleMs: number, sentBefore = 0): UploadStream {
  let failure: unknown;
  let bytes = sentBefore;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      bytes += chunk.length;
      watch.touch();
      done(null, chunk);
    },
    flush(done: TransformCallback): void {
      watch.allow(idleMs + bytes * STORING_MS_PER_BYTE);
      done();
    },
  });
  source.once("error", (error) => {
    if (!stream.destroyed) failure = error;
  });
  // Whoever sends the stream hears of its errors; until then nobody listens.
  pipeline(source, stream, () => {});
  stream.on("error", () => {});
  return { stream, failure: () => failure };
}
