import { pipeline, type Readable, Transform, type TransformCallback } from "node:stream";
import type { Watch } from "./watch.js";

/** A request's body on its way. */
export interface UploadStream {
  readonly stream: Readable;
  /** Why the source failed, if it was the source. */
  failure(): unknown;
}

/** Passes a source on and touches the watch for each chunk; after the last one the answer may take `answerMs`. */
export function watchUpload(source: Readable, watch: Watch, answerMs: number): UploadStream {
  let failure: unknown;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      watch.touch();
      done(null, chunk);
    },
    flush(done: TransformCallback): void {
      watch.allow(answerMs);
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
