import { pipeline } from "node:stream";
import type { Limiter } from "../base/concurrency.js";
import type { Op } from "../base/op.js";
import { counting } from "../base/streams.js";
import type { ImageLayer } from "../image/image-layer.js";
import { formatPathOffsets } from "../image/path-offsets.js";
import type { PrefixEntries } from "../layer/entries.js";
import { makeLayer, type SpooledLayer } from "../layer/make-layer.js";
import type { Spool } from "../layer/spool.js";
import type { BlobSource } from "../oci/store.js";
import { labelOf } from "../spack/concrete-spec.js";
import type { InstallRecord } from "../spack/install-store.js";
import { relocationNeedles } from "../spack/relocation-needles.js";
import type { PushContext } from "./context.js";
import { LayerStream } from "./layer-stream.js";
import type { PushPrefixes } from "./prefixes.js";
import { createProgress } from "./progress.js";

export interface SentLayer {
  readonly layer: ImageLayer;
  /** Bytes that went to the target; 0 if it had the blob. */
  readonly bytesSent: number;
}

/** How a layer is made and sent. */
export interface Sending {
  readonly spool: Spool;
  readonly prefixes: PushPrefixes;
  /** Limits how many layers are compressed at once. */
  readonly archiving: Limiter;
  /** The target can't have the layer, so it may be sent before it is known. */
  readonly isNew: boolean;
}

/**
 * Makes a package's layer in the spool, gives it to the target, and removes it from the spool. A large new one is sent while it is made
 * where the target takes it so; one for a folder is made in that folder and moved to its place.
 * @throws SpkociError PREFIX_MISSING, PREFIX_INVALID, FILE_UNREADABLE, FILE_CHANGED, NO_SPACE, and those of the target
 */
export async function sendLayer(
  context: PushContext,
  record: InstallRecord,
  { spool, prefixes, archiving, isNew }: Sending,
  op: Op,
): Promise<SentLayer> {
  const { target } = context;
  const { folder, newFile } = target.staging ?? spool;
  const file = newFile();
  const progress = createProgress(op.emit, record, "upload");
  const stream = isNew && target.putGrowing ? new LayerStream(target, file, progress, op) : undefined;
  const place: LayerPlace = { folder, file, onGrowth: (size) => stream?.grew(size) };
  const archived = await archiving(() => archive(context, record, prefixes.takeListing(record), place, op)).catch(
    async (error: unknown) => {
      await stream?.fail(error);
      throw error;
    },
  );
  const { spooled, pathOffsets } = archived;
  try {
    const { descriptor, diffId } = spooled;
    const counted = countReads(spooled, target.staging && file, progress);
    const arriving = stream?.finish(descriptor);
    // Nothing of the stream is left running if this fails.
    await prefixes.remember(record, { ...spooled, pathOffsets }, op).finally(() => arriving);
    if (!(await arriving)) await target.put(counted.source, op);
    const layer = { descriptor, diffId, dagHash: record.spec.hash, title: labelOf(record.spec), pathOffsets };
    return { layer, bytesSent: counted.wasOpened() || stream?.hasSent ? descriptor.size : 0 };
  } finally {
    await spooled.dispose();
  }
}

interface LayerPlace {
  readonly folder: string;
  readonly file: string;
  readonly onGrowth: (size: number) => void;
}

interface ArchivedPrefix {
  readonly spooled: SpooledLayer;
  /** Where old paths stand in its files, as images say it. */
  readonly pathOffsets: string | undefined;
}

async function archive(
  context: PushContext,
  record: InstallRecord,
  listed: PrefixEntries | undefined,
  place: LayerPlace,
  op: Op,
): Promise<ArchivedPrefix> {
  const { options, store } = context;
  op.signal?.throwIfAborted();
  const { buildInfoOf, formatBuildInfo } = await import("../spack/build-info.js");
  let pathOffsets: string | undefined;
  const spooled = await makeLayer(
    {
      prefix: record.prefix,
      path: record.path,
      listed,
      needles: relocationNeedles(buildInfoOf(store, record, { binaries: [], textFiles: [], links: [] })),
      buildInfo: (found) => {
        pathOffsets = formatPathOffsets(found, found.offsets);
        return formatBuildInfo(buildInfoOf(store, record, found));
      },
      compression: options.compression ?? "gzip",
      level: options.compressionLevel,
      spool: { folder: place.folder, newFile: () => place.file },
      onGrowth: place.onGrowth,
      onProgress: createProgress(op.emit, record, "archive"),
    },
    op,
  );
  return { spooled, pathOffsets };
}

/** The same blob, whose bytes are told as they are read, each opening from 0, or as its file is given away. */
function countReads(
  blob: BlobSource,
  file: string | undefined,
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
    ...(file !== undefined && {
      take() {
        opened = true;
        progress(descriptor.size, descriptor.size);
        return file;
      },
    }),
  };
  return { source, wasOpened: () => opened };
}
