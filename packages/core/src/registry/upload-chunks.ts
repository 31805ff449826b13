import type { Readable } from "node:stream";
import type { Op } from "../base/op.js";
import type { Retryable } from "../base/retry.js";
import { verified } from "../base/streams.js";
import type { BlobSource } from "../oci/store.js";
import { classifyRegistryError, protocolError, RegistryError } from "./registry-error.js";
import type { RemoteRepository } from "./remote-repository.js";
import { bodyOfBytes } from "./request-body.js";
import { discard } from "./transport.js";
import { cancelUpload, closingUrl, startUpload, uploadLocation } from "./upload.js";
import { asUploadLost, UploadLost } from "./upload-lost.js";

const OCTETS = { "content-type": "application/octet-stream" };

/** How a blob goes in parts. */
export interface ChunkPlan {
  /** Bytes of a part; one is in memory at a time. */
  readonly chunkSize: number;
  /** The most that the registry takes at once, bytes. */
  readonly limit: number | undefined;
  /** Whether the registry has the blob by now. */
  readonly isThere: (op?: Op) => Promise<boolean>;
}

/**
 * Sends a blob in parts (distribution-spec, Pushing a blob in chunks). After a lost answer, a broken connection or a 416 the registry
 * is asked how far it is, and the part goes on from there. An upload that the registry lost, or is behind what it took, is begun anew,
 * never sent from its start again: registries append (apple/containerization #790).
 * @returns false, having sent nothing, where the registry wants longer parts than it takes
 * @throws RegistryError; SpkociError SIZE_MISMATCH or DIGEST_MISMATCH for wrong content
 */
export async function sendInChunks(
  remote: RemoteRepository,
  step: string,
  blob: BlobSource,
  plan: ChunkPlan,
  op?: Op,
): Promise<boolean> {
  return remote.client.retrying(
    step,
    async (attempt) => (attempt > 1 && (await plan.isThere(op))) || sendInSession(remote, step, blob, plan, op),
    op,
    (error) => (error instanceof UploadLost ? error.retry : { retry: false }),
  );
}

/** @throws UploadLost where another upload may be begun */
async function sendInSession(
  remote: RemoteRepository,
  step: string,
  blob: BlobSource,
  plan: ChunkPlan,
  op: Op | undefined,
): Promise<boolean> {
  const { location, minChunk } = await remote.client.retrying(step, () => startUpload(remote, step, op), op);
  if (plan.limit !== undefined && minChunk > plan.limit) {
    await cancelUpload(remote, location);
    return false;
  }
  const session = new ChunkSession(remote, step, location);
  try {
    const source = verified(await blob.open(op), blob.descriptor, `blob ${blob.descriptor.digest}`, op?.signal);
    for await (const chunk of chunksOf(source, Math.max(plan.chunkSize, minChunk))) await session.send(chunk, op);
    await session.close(blob, plan, op);
    return true;
  } catch (error) {
    if (!(error instanceof UploadLost)) await cancelUpload(remote, session.location);
    throw error;
  }
}

/** For requests of one upload: repeating them doesn't help where the registry lost it. */
function classifyInSession(error: unknown): Retryable {
  return error instanceof UploadLost ? { retry: false } : classifyRegistryError(error);
}

/** One upload of a registry, and how far it is. */
class ChunkSession {
  /** Where the next request goes: the last answer says so. */
  location: URL;
  readonly #remote: RemoteRepository;
  readonly #step: string;
  /** Bytes that the registry has. */
  #sent = 0;

  constructor(remote: RemoteRepository, step: string, location: URL) {
    this.#remote = remote;
    this.#step = step;
    this.location = location;
  }

  /** @throws UploadLost; other RegistryErrors */
  async send(chunk: Buffer, op: Op | undefined): Promise<void> {
    const start = this.#sent;
    const end = start + chunk.length;
    let failure: RegistryError | undefined;
    await this.#remote.client.retrying(
      this.#step,
      async () => {
        if (failure !== undefined) this.#sent = await this.#askProgress(start, end, failure, op);
        if (this.#sent === end) return;
        try {
          await this.#patch(chunk.subarray(this.#sent - start), op);
        } catch (error) {
          if (error instanceof RegistryError) failure = error;
          throw asUploadLost(error);
        }
      },
      op,
      classifyInSession,
    );
    this.#sent = end;
  }

  /** Ends the upload; after a lost answer the blob may be there already. @throws UploadLost; other RegistryErrors */
  async close(blob: BlobSource, { isThere }: ChunkPlan, op: Op | undefined): Promise<void> {
    const { digest, size } = blob.descriptor;
    const target = closingUrl(this.location, digest);
    const body = { ...bodyOfBytes(Buffer.alloc(0)), sentBefore: size };
    await this.#remote.client.retrying(
      this.#step,
      async (attempt) => {
        if (attempt > 1 && (await isThere(op))) return;
        const request = { step: this.#step, method: "PUT", target, headers: OCTETS, body, expect: [201, 204] } as const;
        try {
          discard(await this.#remote.send(request, op));
        } catch (error) {
          throw asUploadLost(error);
        }
      },
      op,
      classifyInSession,
    );
  }

  /** The Range of the answer is not looked at: at ECR it stays at the first part. */
  async #patch(bytes: Buffer, op: Op | undefined): Promise<void> {
    const headers = { ...OCTETS, "content-range": `${this.#sent}-${this.#sent + bytes.length - 1}` };
    const response = await this.#remote.send(
      {
        step: this.#step,
        method: "PATCH",
        target: this.location,
        headers,
        body: bodyOfBytes(bytes),
        // ECR answers 201, GCR 204.
        expect: [201, 202, 204, 416],
      },
      op,
    );
    discard(response);
    this.location = uploadLocation(response) ?? this.location;
    if (response.status !== 416) return;
    const label = { step: this.#step, method: "PATCH", url: response.url };
    throw new RegistryError("REGISTRY_REJECTED", label, "416 the registry doesn't take this part here", {
      status: 416,
      hint: "The registry may want smaller parts: --chunk-size",
      retry: { retry: true, reason: "the registry expects another part" },
    });
  }

  /**
   * How many bytes the registry has, by a GET of the upload: 204 with `Range: 0-n`. No Range, or `0-0` where nothing was sent, is none.
   * @throws UploadLost where it doesn't say, has not what it took before, or refused just what it now asks for
   */
  async #askProgress(start: number, end: number, failure: RegistryError, op: Op | undefined): Promise<number> {
    const request = { step: this.#step, method: "GET", target: this.location, expect: [200, 204] } as const;
    const response = await this.#remote.send(request, op).catch((error: unknown) => {
      const isRefused = error instanceof RegistryError && error.status !== undefined && !error.retry.retry;
      throw isRefused ? new UploadLost(failure) : error;
    });
    discard(response);
    const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(response.header("range") ?? "") ?? [];
    const has = last === undefined || (last === "0" && start === 0) ? 0 : Number(last) + 1;
    const isStuck = has === this.#sent && failure.status === 416;
    if (has < start || isStuck) throw new UploadLost(failure);
    if (has > end) {
      const label = { step: this.#step, method: "GET", url: response.url };
      throw protocolError(label, `the registry has ${has} bytes where ${end} were sent`, response.status);
    }
    this.location = uploadLocation(response) ?? this.location;
    return has;
  }
}

/** A stream in parts of `size` bytes, the last one shorter. The last one comes when the stream has ended well. */
async function* chunksOf(stream: Readable, size: number): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let held = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    let rest = piece;
    while (held + rest.length > size) {
      const head = rest.subarray(0, size - held);
      yield Buffer.concat([...pieces, head], size);
      rest = rest.subarray(head.length);
      pieces = [];
      held = 0;
    }
    pieces.push(rest);
    held += rest.length;
  }
  yield Buffer.concat(pieces, held);
}
