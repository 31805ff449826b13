import { pipeline } from "node:stream";
import type { Limiter } from "../base/concurrency.js";
import type { Op } from "../base/op.js";
import { counting } from "../base/streams.js";
import type { ImageLayer } from "../image/image-layer.js";
import { makeLayer, type SpooledLayer } from "../layer/make-layer.js";
import type { Spool } from "../layer/spool.js";
import type { BlobSource } from "../oci/store.js";
import { buildInfoOf, formatBuildInfo, relocationNeedles } from "../spack/build-info.js";
import { labelOf } from "../spack/concrete-spec.js";
import type { InstallRecord } from "../spack/install-store.js";
import type { PushContext } from "./context.js";
import { createProgress } from "./progress.js";

export interface SentLayer {
  readonly layer: ImageLayer;
  /** Bytes that went to the target; 0 if it had the blob. */
  readonly bytesSent: number;
}

/**
 * Makes a package's layer in the spool, gives it to the target, and removes it from the spool. `archiving` limits how many layers are
 * compressed at once.
 * @throws SpkociError PREFIX_MISSING, PREFIX_INVALID, FILE_UNREADABLE, FILE_CHANGED, NO_SPACE, and those of the target
 */
export async function sendLayer(
  context: PushContext,
  record: InstallRecord,
  spool: Spool,
  archiving: Limiter,
  op: Op,
): Promise<SentLayer> {
  const spooled = await archiving(() => archive(context, record, spool, op));
  try {
    const { descriptor, diffId } = spooled;
    const counted = countReads(spooled, createProgress(op.emit, record, "upload"));
    await context.target.put(counted.source, op);
    const layer = { descriptor, diffId, dagHash: record.spec.hash, title: labelOf(record.spec) };
    return { layer, bytesSent: counted.wasOpened() ? descriptor.size : 0 };
  } finally {
    await spooled.dispose();
  }
}

function archive(context: PushContext, record: InstallRecord, spool: Spool, op: Op): Promise<SpooledLayer> {
  const { options, store } = context;
  op.signal?.throwIfAborted();
  return makeLayer(
    {
      prefix: record.prefix,
      path: record.path,
      needles: relocationNeedles(buildInfoOf(store, record, { binaries: [], textFiles: [], links: [] })),
      buildInfo: (found) => formatBuildInfo(buildInfoOf(store, record, found)),
      compression: options.compression ?? "gzip",
      level: options.compressionLevel,
      spool,
      onProgress: createProgress(op.emit, record, "archive"),
    },
    op,
  );
}

/** The same blob, whose bytes are told as they are read; each opening starts from 0. */
function countReads(
  blob: BlobSource,
  progress: (bytes: number, total: number) => void,
): { readonly source: BlobSource; readonly wasOpened: () => boolean } {
  const { descriptor } = blob;
  let opened = false;
  const source: BlobSource = {
    descriptor,
    async open(op) {
      opened = true;
      let bytes = 0;
      const counter = counting((more) => {
        bytes += more;
        progress(bytes, descriptor.size);
      });
      // Errors reach the reader through `counter`, which pipeline destroys with them.
      return pipeline(await blob.open(op), counter, () => {});
    },
  };
  return { source, wasOpened: () => opened };
}
