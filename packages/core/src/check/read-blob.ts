import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { SpkociError } from "../base/errors.js";
import { type Op, throwIfAborted } from "../base/op.js";
import { counted } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Store } from "../oci/store.js";
import type { FindingCode } from "./finding-codes.js";
import { imageFailure } from "./image-failure.js";

/** What reading a blob came to: a value, or what is wrong with it. */
export type BlobReading<T> = { readonly value: T } | BlobFault;

export interface BlobFault {
  readonly fault: FindingCode;
  readonly message: string;
}

/** Reads blobs of a store, and counts the bytes. */
export class BlobReader {
  bytesRead = 0;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Gives a blob to `take`, which reads it to its end. What is wrong is that it is missing or damaged, or else what `take` throws: that
   * is told only of a blob with the right digest, because damage looks like anything.
   */
  async read<T>(blob: Descriptor, take: (bytes: Readable) => Promise<T>, op: Op): Promise<BlobReading<T>> {
    try {
      return { value: await take(await this.#open(blob, op)) };
    } catch (error) {
      throwIfAborted(op);
      const refused = REFUSALS.get((error as Partial<SpkociError> | null)?.code ?? "");
      if (refused === undefined) return this.#faultOf(error, op);
      return (await this.#readThrough(blob, op)) ?? { fault: refused, message: messageOf(error as SpkociError) };
    }
  }

  /** What is wrong with a blob that is not there with the size it should have; undefined if it is sound after all. */
  async findFault(blob: Descriptor, op: Op): Promise<BlobFault | undefined> {
    return this.#readThrough(blob, op);
  }

  async #readThrough(blob: Descriptor, op: Op): Promise<BlobFault | undefined> {
    try {
      const bytes = await this.#open(blob, op);
      await finished(bytes.resume());
      return undefined;
    } catch (error) {
      return this.#faultOf(error, op);
    }
  }

  async #open(blob: Descriptor, op: Op): Promise<Readable> {
    return counted(await this.#store.open(blob, op), (bytes) => {
      this.bytesRead += bytes;
    });
  }

  async #faultOf(error: unknown, op: Op): Promise<BlobFault> {
    const { code, message } = await imageFailure(error, this.#store, op);
    return { fault: code === "BLOB_NOT_FOUND" ? "BLOB_MISSING" : "BLOB_DAMAGED", message };
  }
}

/** Errors of unpacking, and what they are as findings. */
const REFUSALS: ReadonlyMap<string, FindingCode> = new Map<string, FindingCode>([
  ["ARCHIVE_REFUSED", "ARCHIVE_REFUSED"],
  ["UNSUPPORTED_COMPRESSION", "LAYER_UNCHECKED"],
]);

function messageOf({ message }: SpkociError): string {
  return message;
}
