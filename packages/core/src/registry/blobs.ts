import { Flights } from "../base/concurrency.js";
import { type Digest, isDigest, requireKnown } from "../base/digest.js";
import type { Op } from "../base/op.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { BlobSource, GrowingBlob } from "../oci/store.js";
import { RegistryError } from "./registry-error.js";
import type { RemoteRepository } from "./remote-repository.js";
import { streamBlob } from "./streamed-upload.js";
import { discard, type HttpResponse } from "./transport.js";
import { sendBlob, startUpload, uploadLocation } from "./upload.js";
import { sendInChunks } from "./upload-chunks.js";

/** The blobs of a repository: what is there, what is on its way, what was mounted. */
export class RemoteBlobs {
  readonly #remote: RemoteRepository;
  readonly #puts = new Flights<Digest, void>();
  /** Uploads that a mount began instead of mounting; the next put uses them. */
  readonly #begun = new Map<Digest, URL>();

  constructor(remote: RemoteRepository) {
    this.#remote = remote;
  }

  async has(blob: Descriptor, op?: Op): Promise<boolean> {
    if (!isDigest(blob.digest)) return false;
    return isPresent(await this.#remote.request(this.#headRequest(blob), op), blob);
  }

  async put(blob: BlobSource, op?: Op): Promise<void> {
    requireKnown(blob.descriptor.digest);
    return this.#puts.run(blob.descriptor.digest, () => this.#upload(blob, op), op?.signal);
  }

  /** Sends a blob while it is being made. False, having left nothing, where the registry doesn't take it that way: it isn't tried there again. */
  async putGrowing(blob: GrowingBlob, op?: Op): Promise<boolean> {
    const { client, name } = this.#remote;
    if (!client.mayStream) return false;
    try {
      await streamBlob(this.#remote, blob, op);
      return true;
    } catch (error) {
      if (op?.signal?.aborted || !(error instanceof RegistryError)) throw error;
      client.mayStream = false;
      op?.emit?.({ type: "retry", what: `sending a blob to ${name}`, attempt: 1, delayMs: 0, reason: error.message });
      return false;
    }
  }

  /** Forgets which blobs were put: the registry may have lost them. */
  forget(): void {
    this.#puts.clear();
  }

  /** POST with mount and from (distribution-spec, Mounting a blob from another repository). */
  async mount({ digest }: Descriptor, from: string, op?: Op): Promise<boolean> {
    requireKnown(digest);
    const query = new URLSearchParams({ mount: digest, from });
    const step = `mounting blob ${digest} from ${from} into ${this.#remote.name}`;
    const target = `blobs/uploads/?${query}`;
    try {
      const response = await this.#remote.request({ step, method: "POST", target, from, expect: [201, 202] }, op);
      discard(response);
      if (response.status === 201) return true;
      const location = uploadLocation(response);
      if (location) this.#begun.set(digest, location);
      return false;
    } catch (error) {
      if (error instanceof RegistryError) return false;
      throw error;
    }
  }

  async #upload(blob: BlobSource, op: Op | undefined): Promise<void> {
    const { digest, size } = blob.descriptor;
    const step = `pushing blob ${digest} to ${this.#remote.name}`;
    const chunkSize = this.#remote.client.chunkSizeFor(size);
    const isSent = chunkSize !== undefined && (await this.#uploadInChunks(step, blob, chunkSize, op));
    if (!isSent) await this.#uploadWhole(step, blob, op);
  }

  async #uploadInChunks(step: string, blob: BlobSource, chunkSize: number, op: Op | undefined): Promise<boolean> {
    const isThere = (each?: Op): Promise<boolean> => this.has(blob.descriptor, each);
    if (await isThere(op)) return true;
    const { patchLimit: limit } = this.#remote.client.profile;
    return sendInChunks(this.#remote, step, blob, { chunkSize, limit, isThere }, op);
  }

  /** Each try begins a new upload: what a broken one left is not relied on. */
  async #uploadWhole(step: string, blob: BlobSource, op: Op | undefined): Promise<void> {
    const { digest } = blob.descriptor;
    await this.#remote.client.retrying(
      step,
      async () => {
        const begun = this.#begun.get(digest);
        this.#begun.delete(digest);
        if (!begun && isPresent(await this.#remote.send(this.#headRequest(blob.descriptor), op), blob.descriptor))
          return;
        const location = begun ?? (await startUpload(this.#remote, step, op)).location;
        await sendBlob(this.#remote, step, location, blob, op);
      },
      op,
    );
  }

  #headRequest({ digest }: Descriptor): Parameters<RemoteRepository["send"]>[0] {
    const step = `looking for blob ${digest} in ${this.#remote.name}`;
    return { step, method: "HEAD", target: `blobs/${digest}`, expect: [200, 404] };
  }
}

function isPresent(response: HttpResponse, blob: Descriptor): boolean {
  discard(response);
  const length = response.header("content-length");
  return response.status === 200 && (length === undefined || Number(length) === blob.size);
}
