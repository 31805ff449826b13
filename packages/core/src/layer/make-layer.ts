import { createReadStream, createWriteStream, type WriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type Digest, Hasher } from "../base/digest.js";
import { asStorageError } from "../base/errors.js";
import { type Op, throwIfAborted } from "../base/op.js";
import type { Compression } from "../oci/media-type.js";
import type { BlobSource } from "../oci/store.js";
import { addPrefix } from "./add-prefix.js";
import { compress, compressionSettings, layerMediaType } from "./compression.js";
import { BUILD_INFO_PATH, type PrefixEntries, type PrefixLocation, readEntries } from "./entries.js";
import { READ_SIZE } from "./file-content.js";
import type { Fingerprint } from "./fingerprint.js";
import type { Relocatables } from "./relocatables.js";
import type { Spool } from "./spool.js";
import { TarWriter } from "./tar.js";

export interface LayerRequest extends PrefixLocation {
  /** What the prefix holds, as `readEntries` found it a while ago; it is listed now if absent. */
  readonly listed?: PrefixEntries | undefined;
  /** Absolute paths that Spack relocates: the prefixes of `hash_to_prefix`, the sbang script, the store's root. */
  readonly needles: readonly string[];
  /** The text of `.spack/binary_distribution`, given what was found to relocate. */
  readonly buildInfo: (found: Relocatables) => string;
  readonly compression: Compression;
  /** 1 to 9 for gzip (5 unless given), 1 to 19 for zstd (3 unless given). */
  readonly level?: number | undefined;
  readonly spool: Pick<Spool, "folder" | "newFile">;
  /** How many of the prefix's bytes have been read. Called for every file and every 256 KiB; must be cheap. */
  readonly onProgress?: ((bytes: number, total: number) => void) | undefined;
  /** Takes the compressed bytes in their order while they are written to the spool; the layer waits for it. Must not reject. */
  readonly tee?: ((chunk: Buffer) => Promise<void>) | undefined;
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

const BUILD_INFO_MODE = 0o644;

/**
 * Makes the layer of one install prefix: the tar that Spack would write, compressed, in one pass over the prefix and with memory that
 * does not grow with it. Every file is read once, for the tar and for the relocation lists. If it fails or is aborted, its file is removed.
 * @throws SpkociError INVALID_ARGUMENT and UNSUPPORTED_COMPRESSION as `compressionSettings`; PREFIX_MISSING, PREFIX_INVALID,
 *   FILE_UNREADABLE and FILE_CHANGED as `readEntries` and `readContent`; NO_SPACE and STORAGE_FAILED naming the spool's folder
 */
export async function makeLayer(request: LayerRequest, op?: Op): Promise<SpooledLayer> {
  const settings = compressionSettings(request.compression, request.level);
  const listed = request.listed ?? (await readEntries(request, op));
  const file = request.spool.newFile();
  const plain = new Hasher();
  const compressed = new Measure();
  const tar = new TarWriter();
  const writer = createWriteStream(file, { mode: 0o644 });
  const adding = addAll(tar, request, listed, op).catch((error: unknown) => tar.fail(error));
  try {
    await pipeline(
      () => compressed.watch(teed(compress(hashing(tar.blocks(), plain), settings), request.tee)),
      writer,
      op?.signal ? { signal: op.signal } : {},
    );
  } catch (error) {
    tar.fail(error);
    await Promise.all([adding, closed(writer)]);
    await rm(file, { force: true });
    op?.signal?.throwIfAborted();
    throw asStorageError(error, `writing a layer to ${request.spool.folder}`);
  }
  const descriptor = { mediaType: layerMediaType(request.compression), ...compressed.result() };
  return {
    descriptor,
    diffId: plain.digest(),
    fingerprint: listed.fingerprint,
    async open(readOp) {
      throwIfAborted(readOp);
      return createReadStream(file, { highWaterMark: READ_SIZE, signal: readOp?.signal });
    },
    dispose: () => rm(file, { force: true }),
  };
}

/** The whole layer: the prefix with the folders above it, then the build info. */
async function addAll(tar: TarWriter, request: LayerRequest, listed: PrefixEntries, op: Op | undefined): Promise<void> {
  const found = await addPrefix(tar, request, listed, op);
  const name = `${request.prefix.slice(1)}/${BUILD_INFO_PATH}`;
  await tar.addBytes(name, BUILD_INFO_MODE, Buffer.from(request.buildInfo(found)));
  tar.finish();
}

/** Waits until a stream that failed has let go of its file, so that the file is not made after it was removed. */
async function closed(writer: WriteStream): Promise<void> {
  if (writer.closed) return;
  writer.on("error", () => {});
  await new Promise<void>((resolve) => {
    writer.once("close", resolve);
    writer.destroy();
  });
}

async function* hashing(source: AsyncIterable<Buffer>, hasher: Hasher): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of source) {
    hasher.update(chunk);
    yield chunk;
  }
}

async function* teed(source: AsyncIterable<Buffer>, tee: LayerRequest["tee"]): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of source) {
    await tee?.(chunk);
    yield chunk;
  }
}

/** Size and digest of a stream. */
class Measure {
  readonly #hasher = new Hasher();
  #size = 0;

  async *watch(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of source) {
      this.#size += chunk.length;
      this.#hasher.update(chunk);
      yield chunk;
    }
  }

  result(): { digest: Digest; size: number } {
    return { digest: this.#hasher.digest(), size: this.#size };
  }
}
