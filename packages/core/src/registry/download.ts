import { pipeline, Readable, Transform, type TransformCallback } from "node:stream";
import { requireKnown } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { collect, inBatches, readableOf, verified, verifying } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import { classifyDamage } from "./damage.js";
import { protocolError } from "./registry-error.js";
import type { RemoteRepository } from "./remote-repository.js";
import { discard, type HttpResponse } from "./transport.js";

/** Blobs up to this size, bytes, are verified before the first byte is given out: configs, specs and indexes of caches are mostly that small. */
const SMALL = 512 * 1024;

/** Bytes that go on at once: each stream that they pass takes as long for a small chunk as for a large one. */
const BATCH = 256 * 1024;

/**
 * A blob's bytes, verified while they are read (distribution-spec, Pulling blobs). A download that breaks off goes on from where
 * it was, with Range where the registry has it; a small one begins again, also where it came damaged.
 * @throws SpkociError BLOB_NOT_FOUND, DOCUMENT_INVALID for a digest of an unknown algorithm; for a small one DIGEST_MISMATCH, SIZE_MISMATCH
 */
export async function openBlob(remote: RemoteRepository, blob: Descriptor, op?: Op): Promise<Readable> {
  requireKnown(blob.digest);
  const what = `blob ${blob.digest} of ${remote.name}`;
  if (blob.size <= SMALL) return readableOf(await readSmall({ remote, blob, what, op: op ?? {} }));
  const stop = new AbortController();
  const signal = op?.signal ? AbortSignal.any([op.signal, stop.signal]) : stop.signal;
  const download: Download = { remote, blob, what, op: { ...op, signal } };
  const first = await openAt(download, 0);
  const checked = verifying(blob, what);
  checked.once("close", () => stop.abort(new Error("the reader has left")));
  const batches = inBatches(bytesOf(download, first), BATCH);
  pipeline(Readable.from(batches, { objectMode: false }), checked, () => {});
  checked.on("error", () => {});
  return checked;
}

interface Download {
  readonly remote: RemoteRepository;
  readonly blob: Descriptor;
  readonly what: string;
  readonly op: Op;
}

async function readSmall(download: Download): Promise<Buffer> {
  const { remote, blob, what, op } = download;
  return remote.client.retrying(
    stepOf(download),
    async () => collect(verified(await openOnce(download, 0, false), blob, what), SMALL, what),
    op,
    classifyDamage(),
  );
}

async function* bytesOf(download: Download, first: Readable): AsyncGenerator<Buffer> {
  const { remote, op } = download;
  let offset = 0;
  let pieces: AsyncIterator<Buffer> = first[Symbol.asyncIterator]();
  for (;;) {
    let piece: IteratorResult<Buffer>;
    try {
      piece = await pieces.next();
    } catch (broken) {
      // The break counts as the first try, so that it is judged and waited for like any other failure; a try succeeds with new bytes.
      const resume = async (attempt: number): Promise<Resumed> => {
        if (attempt === 1) throw broken;
        const again: AsyncIterator<Buffer> = (await openOnce(download, offset, true))[Symbol.asyncIterator]();
        return { pieces: again, piece: await again.next() };
      };
      ({ pieces, piece } = await remote.client.retrying(stepOf(download), resume, op));
    }
    if (piece.done) return;
    offset += piece.value.length;
    yield piece.value;
  }
}

interface Resumed {
  readonly pieces: AsyncIterator<Buffer>;
  readonly piece: IteratorResult<Buffer>;
}

async function openAt(download: Download, offset: number): Promise<Readable> {
  return download.remote.client.retrying(stepOf(download), () => openOnce(download, offset, false), download.op);
}

/** The blob from `offset` on. One that goes on is urgent: it may be the source of an upload that holds a slot. */
async function openOnce(download: Download, offset: number, isUrgent: boolean): Promise<Readable> {
  const { remote, blob, what, op } = download;
  const response = await remote.send(
    {
      step: stepOf(download),
      method: "GET",
      target: `blobs/${blob.digest}`,
      headers: offset > 0 ? { range: `bytes=${offset}-` } : {},
      expect: offset > 0 ? [200, 206, 404, 416] : [200, 404],
      isUrgent,
    },
    op,
  );
  const { status } = response;
  if (status === 404) {
    discard(response);
    throw new SpkociError("BLOB_NOT_FOUND", `${remote.name} has no blob ${blob.digest}`);
  }
  if (status === 416 && offset === blob.size) {
    discard(response);
    return Readable.from([]);
  }
  if (status === 200) {
    refuseOtherSize(response, blob, what);
    return offset > 0 ? skipping(response.stream(), offset) : response.stream();
  }
  if (status === 206 && response.header("content-range")?.startsWith(`bytes ${offset}-`)) return response.stream();
  discard(response);
  throw protocolError(
    { step: stepOf(download), method: "GET", url: response.url },
    `the answer to a Range from ${offset} is ${status} with Content-Range ${JSON.stringify(response.header("content-range") ?? "")}`,
    status,
  );
}

/** Fails early; `verifying` would at the end. */
function refuseOtherSize(response: HttpResponse, blob: Descriptor, what: string): void {
  const length = response.header("content-length");
  if (length === undefined || response.header("content-encoding") !== undefined || Number(length) === blob.size) return;
  response.stream().destroy();
  throw new SpkociError("SIZE_MISMATCH", `${what} should have ${blob.size} bytes but has ${Number(length)}`, {
    hint: "The content is damaged, cut off or was replaced.",
  });
}

function skipping(stream: Readable, bytes: number): Readable {
  let left = bytes;
  const rest = new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      const skipped = Math.min(left, chunk.length);
      left -= skipped;
      done(null, chunk.subarray(skipped));
    },
  });
  pipeline(stream, rest, () => {});
  return rest;
}

function stepOf({ remote, blob }: Download): string {
  return `pulling blob ${blob.digest} from ${remote.name}`;
}
