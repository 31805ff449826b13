import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Digest } from "../base/digest.js";
import { pooledCalls } from "../base/file-calls.js";
import { type Op, throwIfAborted } from "../base/op.js";
import type { Compression } from "../oci/media-type.js";
import type { BlobSource } from "../oci/store.js";
import { compressionSettings, layerMediaType } from "./compression.js";
import type { PrefixEntries, PrefixLocation } from "./entries.js";
import type { Fingerprint } from "./fingerprint.js";
import { type LayerCaller, LayerThreads, startLayerThread } from "./layer-threads.js";
import type { Relocatables } from "./relocatables.js";
import type { Spool } from "./spool.js";
import { type LayerJob, type LayerMeans, type WrittenLayer, writeLayer } from "./write-layer.js";

export interface LayerRequest extends PrefixLocation {
  /** What the prefix holds, as `readEntries` found it a while ago; it is listed now if absent. */
  readonly listed?: PrefixEntries | undefined;
  /** Absolute paths that Spack relocates: the prefixes of `hash_to_prefix`, the sbang script, the store's root. */
  readonly needles: readonly string[];
  /** The text of `.spack/binary_distribution`, given what was found to relocate. */
  readonly buildInfo: (found: Relocatables) => string;
  readonly compression: Compression;
  /** 1 to 9 for gzip, 1 to 19 for zstd; the usual one unless given (`compressionSettings`). */
  readonly level?: number | undefined;
  readonly spool: Pick<Spool, "folder" | "newFile">;
  /** How many of the prefix's bytes have been read. Called for every file, and every block of a large one; must be cheap. */
  readonly onProgress?: ((bytes: number, total: number) => void) | undefined;
  /** Told how many bytes of the layer are in its file by now; must be cheap. */
  readonly onGrowth?: ((size: number) => void) | undefined;
}

/** A layer in a file of the spool. */
export interface SpooledLayer extends BlobSource {
  /** Digest of the plain tar. The same prefix has the same on every machine. */
  readonly diffId: Digest;
  /** Of the listing that the layer was made from. */
  readonly fingerprint: Fingerprint;
  /** Removes the file. */
  dispose(): Promise<void>;
}

/** Bytes of a chunk of the compressed layer. */
const READ_SIZE = 256 * 1024;

const CORES = availableParallelism();
/**
 * What all layers together may have under way beside one block of each, bytes. Two blocks more than there are cores: each core finds the next
 * one waiting while a layer waits for its oldest.
 */
const SPARE_BYTES = 1024 * 1024 * (CORES + 2);
/** Threads that make layers (docs/adr/0009-layers-in-threads.md). */
const THREADS = Math.min(8, Math.ceil(CORES / 4));

const threads = new LayerThreads(THREADS, () => startLayerThread({ spareBytes: SPARE_BYTES / THREADS }));
const own: LayerMeans = { calls: pooledCalls, budget: { spareBytes: SPARE_BYTES } };

/** Gets ready for layers that are wanted soon: what `makeLayer` needs to begin is started meanwhile. */
export function prepareLayers(): void {
  threads.prepare();
}

/**
 * Makes the layer of one install prefix: the tar that Spack would write, compressed, in one pass over the prefix and with memory that
 * does not grow with it. Every file is read once, for the tar and for the relocation lists. If it fails or is aborted, its file is removed.
 * @throws SpkociError INVALID_ARGUMENT and UNSUPPORTED_COMPRESSION as `compressionSettings`; PREFIX_MISSING, PREFIX_INVALID,
 *   FILE_UNREADABLE and FILE_CHANGED as `readEntries` and `ListedFile`; NO_SPACE and STORAGE_FAILED naming the spool's folder
 */
export async function makeLayer(request: LayerRequest, op?: Op): Promise<SpooledLayer> {
  const { prefix, path, listed, needles, spool } = request;
  const settings = compressionSettings(request.compression, request.level);
  const file = spool.newFile();
  const job: LayerJob = { prefix, path, listed, needles, settings, file, folder: spool.folder };
  const { diffId, digest, size, fingerprint } = await write(job, request, op);
  return {
    descriptor: { mediaType: layerMediaType(request.compression), digest, size },
    diffId,
    fingerprint,
    async open(readOp) {
      throwIfAborted(readOp);
      return createReadStream(file, { highWaterMark: READ_SIZE, signal: readOp?.signal });
    },
    dispose: () => rm(file, { force: true }),
  };
}

/** In a thread made for it, or in this one where none can be started. */
async function write(job: LayerJob, caller: LayerCaller, op: Op | undefined): Promise<WrittenLayer> {
  return (await threads.run(job, caller, op)) ?? writeLayer(job, caller, own, op);
}
