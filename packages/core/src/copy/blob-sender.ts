import { pipeline } from "node:stream";
import { createLimiter, Flights, type Limiter } from "../base/concurrency.js";
import type { Digest } from "../base/digest.js";
import type { Op } from "../base/op.js";
import { counting } from "../base/streams.js";
import { mountSource } from "../location/mount-source.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { BlobSource, Store } from "../oci/store.js";
import { type CopyContext, jobsOf } from "./context.js";

/** Hears how many bytes of a blob are sent; from 0 again when it is sent once more. */
export type OnBlobBytes = (blob: Descriptor, bytes: number) => void;

/** Brings blobs to the target, each once in a run. */
export class BlobSender {
  readonly #from: Store;
  readonly #to: Store;
  readonly #mountFrom: string | undefined;
  readonly #flights = new Flights<Digest, void>();
  readonly #limit: Limiter;

  constructor({ source, target, options }: CopyContext) {
    this.#from = source.store;
    this.#to = target.store;
    this.#mountFrom = mountSource(source.location, target.location);
    this.#limit = createLimiter(jobsOf(options));
  }

  /**
   * Makes the target have a blob: mounted where both are repositories of one registry, else streamed without a local file.
   * @param known the blob's bytes, if they are at hand
   * @returns bytes sent by this call: 0 if the target had the blob, or another call brought it
   */
  async send(blob: Descriptor, known: BlobSource | undefined, onBytes: OnBlobBytes, op: Op): Promise<number> {
    let sent = 0;
    const bring = async (): Promise<void> => {
      await this.#limit(async () => {
        op.signal?.throwIfAborted();
        if (await this.#isThere(blob, op)) return;
        const source = known ?? { descriptor: blob, open: (inner?: Op) => this.#from.open(blob, inner) };
        await this.#to.put(countReads(source, onBytes), op);
        sent = blob.size;
      });
    };
    await this.#flights.run(blob.digest, bring, op.signal);
    return sent;
  }

  /** Looks anew for a blob that the target was believed to have. */
  forget(digest: Digest): void {
    this.#flights.forget(digest);
  }

  async #isThere(blob: Descriptor, op: Op): Promise<boolean> {
    if (await this.#to.has(blob, op)) return true;
    return this.#mountFrom !== undefined && ((await this.#to.mount?.(blob, this.#mountFrom, op)) ?? false);
  }
}

function countReads(source: BlobSource, onBytes: OnBlobBytes): BlobSource {
  const { descriptor } = source;
  return {
    descriptor,
    async open(op) {
      let bytes = 0;
      const counter = counting((more) => {
        bytes += more;
        onBytes(descriptor, bytes);
      });
      // Errors reach the reader through `counter`, which pipeline destroys with them.
      return pipeline(await source.open(op), counter, () => {});
    },
  };
}
