import type { Readable } from "node:stream";
import type { Op } from "../base/op.js";
import { collect, verified } from "../base/streams.js";
import type { BlobSource } from "../oci/store.js";

/** Blobs that are fetched at the same time before it is their turn. */
const COUNT = 8;
/** Larger ones are streamed when it is their turn, bytes. */
const SIZE_LIMIT = 1024 * 1024;

/** Blobs one after the other, checked; small ones are fetched before it is their turn, since a registry takes its time for each. */
export class FetchAhead {
  readonly #sources: readonly BlobSource[];
  readonly #op: Op;
  readonly #stop = new AbortController();
  readonly #fetched = new Map<number, Promise<Buffer>>();
  #next = 0;

  constructor(sources: readonly BlobSource[], op: Op = {}) {
    this.#sources = sources;
    this.#op = { ...op, signal: op.signal ? AbortSignal.any([op.signal, this.#stop.signal]) : this.#stop.signal };
  }

  /** The content of the blob at this place; each is asked for once, in their order. */
  async *content(at: number): AsyncGenerator<Buffer> {
    for (; this.#next < this.#sources.length && this.#next < at + COUNT; this.#next += 1) this.#begin(this.#next);
    const fetched = this.#fetched.get(at);
    this.#fetched.delete(at);
    if (fetched !== undefined) yield await fetched;
    else yield* (await this.#open(this.#sources[at] as BlobSource)) as AsyncIterable<Buffer>;
  }

  /** Stops what is still being fetched. */
  async end(): Promise<void> {
    this.#stop.abort(new Error("nobody reads it any more"));
    await Promise.allSettled(this.#fetched.values());
  }

  #begin(at: number): void {
    const source = this.#sources[at] as BlobSource;
    if (source.descriptor.size > SIZE_LIMIT) return;
    const fetched = this.#fetch(source);
    // It fails when it is its turn.
    fetched.catch(() => {});
    this.#fetched.set(at, fetched);
  }

  async #fetch(source: BlobSource): Promise<Buffer> {
    const { digest, size } = source.descriptor;
    return collect(await this.#open(source), size, `blob ${digest}`);
  }

  async #open(source: BlobSource): Promise<Readable> {
    const { descriptor } = source;
    return verified(await source.open(this.#op), descriptor, `blob ${descriptor.digest}`, this.#op.signal);
  }
}
