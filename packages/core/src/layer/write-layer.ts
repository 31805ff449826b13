import { open, rm } from "node:fs/promises";
import { type Digest, Hasher } from "../base/digest.js";
import { asStorageError } from "../base/errors.js";
import type { FileCalls } from "../base/file-calls.js";
import type { Op } from "../base/op.js";
import { BLOCK_SIZES, type CompressionSettings, compress } from "./compression.js";
import { BUILD_INFO_PATH, type PrefixEntries, type PrefixLocation, readEntries } from "./entries.js";
import type { Fingerprint } from "./fingerprint.js";
import { oneAhead } from "./one-ahead.js";
import type { BlockBudget } from "./parallel-blocks.js";
import { PrefixContent } from "./prefix-content.js";
import type { Relocatables } from "./relocatables.js";
import { entryParts, fileParts, TarBlocks } from "./tar-blocks.js";

/** Which layer to make and where to put it; plain data. */
export interface LayerJob extends PrefixLocation {
  /** What the prefix holds, as `readEntries` found it a while ago; it is listed now if absent. */
  readonly listed?: PrefixEntries | undefined;
  readonly needles: readonly string[];
  readonly settings: CompressionSettings;
  /** File that is written. */
  readonly file: string;
  /** Its folder, as messages name it. */
  readonly folder: string;
}

/** Who hears of a layer while it is made. */
export interface LayerListeners {
  readonly onProgress?: ((bytes: number, total: number) => void) | undefined;
  /** Told how many bytes are in the file by now. */
  readonly onGrowth?: ((size: number) => void) | undefined;
}

/** Whom a layer tells and asks while it is made. */
export interface LayerPorts extends LayerListeners {
  readonly buildInfo: (found: Relocatables) => string | Promise<string>;
}

/** With what a thread makes layers. */
export interface LayerMeans {
  readonly calls: FileCalls;
  readonly budget: BlockBudget;
}

/** What was written. */
export interface WrittenLayer {
  readonly diffId: Digest;
  readonly digest: Digest;
  /** Bytes of the file. */
  readonly size: number;
  /** Of the listing that the layer was made from. */
  readonly fingerprint: Fingerprint;
}

const BUILD_INFO_MODE = 0o644;

/** Makes a layer's file as `makeLayer` describes it, in the thread that calls. */
export async function writeLayer(
  job: LayerJob,
  ports: LayerPorts,
  means: LayerMeans,
  op: Op = {},
): Promise<WrittenLayer> {
  const listed = job.listed ?? (await readEntries(job, op, means.calls));
  const plain = new Hasher();
  const compressed = new Hasher();
  const buffers = new BlockBuffers(BLOCK_SIZES[job.settings.compression]);
  const blocks = oneAhead(tarBlocks(job, listed, ports, means.calls, buffers, op));
  let size = 0;
  try {
    // A file for a layout becomes one of its blobs; the spool keeps others out by its folder.
    const file = await open(job.file, "w", 0o644);
    try {
      const release = (block: Buffer): void => buffers.release(block);
      for await (const chunk of compress(hashing(blocks, plain), job.settings, means.budget, release)) {
        op.signal?.throwIfAborted();
        size += chunk.length;
        compressed.update(chunk);
        await writeAll(file.fd, chunk, means.calls);
        ports.onGrowth?.(size);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(job.file, { force: true });
    op.signal?.throwIfAborted();
    throw asStorageError(error, `writing a layer to ${job.folder}`);
  }
  return { diffId: plain.digest(), digest: compressed.digest(), size, fingerprint: listed.fingerprint };
}

/** The tar of the whole layer: the prefix with the folders above it, then the build info. */
async function* tarBlocks(
  job: LayerJob,
  listed: PrefixEntries,
  ports: LayerPorts,
  calls: FileCalls,
  buffers: BlockBuffers,
  op: Op,
): AsyncGenerator<Buffer, void, undefined> {
  const content = new PrefixContent({ ...job, onProgress: ports.onProgress }, listed, calls);
  const tar = new TarBlocks(
    () => buffers.take(),
    async (slots) => {
      op.signal?.throwIfAborted();
      await content.fill(slots);
    },
  );
  try {
    yield* tar.add(entryParts(listed.parents, listed.entries));
    await tar.fill();
    const info = Buffer.from(await ports.buildInfo(content.found));
    yield* tar.add(fileParts(`${job.prefix.slice(1)}/${BUILD_INFO_PATH}`, BUILD_INFO_MODE, info));
    yield* tar.end();
  } finally {
    await content.close();
  }
}

async function* hashing(source: AsyncIterable<Buffer>, hasher: Hasher): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of source) {
    hasher.update(chunk);
    yield chunk;
  }
}

async function writeAll(file: number, bytes: Buffer, calls: FileCalls): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += await calls.write(file, bytes, at);
}

/** The buffers of one layer's blocks, each used again when its block is compressed. */
class BlockBuffers {
  readonly #size: number;
  readonly #free: Buffer[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  release(block: Buffer): void {
    if (block.length === this.#size) this.#free.push(block);
  }
}
