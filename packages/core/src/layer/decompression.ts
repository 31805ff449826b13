import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import { Refusal } from "./unpack-refusal.js";

/** Each chunk is a task for another thread, and its end wakes this one. */
const OUTPUT_CHUNK = 512 * 1024;

/** Enough to find the magic of a tar, which stands at 257. */
const HEAD_LENGTH = 512;

const GZIP_MAGIC = Buffer.from("1f8b", "hex");
const ZSTD_MAGIC = Buffer.from("28b52ffd", "hex");
const TAR_MAGIC = Buffer.from("ustar");
const TAR_MAGIC_AT = 257;

/** A stream of node:zlib, which tells how much of what was written it has read. */
type Decompressor = Transform & { readonly bytesWritten: number };
type CreateDecompressor = (options: { readonly chunkSize: number }) => Decompressor;

/** The part of `node:zlib` that exists from Node 22.15. */
interface ZstdSupport {
  readonly createZstdDecompress?: CreateDecompressor;
}

/**
 * The plain tar of a layer that is compressed with gzip or zstd, in one member or frame or several, or not at all. Its first bytes tell
 * which: media types are not to be relied on. Errors of `source` are thrown as they are. With zstd, the tar of a layer that is cut off
 * may just end early.
 * @throws Refusal for anything else, and for compressed bytes that are damaged, cut off or followed by others;
 *   SpkociError UNSUPPORTED_COMPRESSION for zstd if this Node has none
 */
export async function* decompress(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const chunks = source[Symbol.asyncIterator]();
  try {
    let rest: Buffer | undefined = await readHead(chunks);
    const create = decompressorFor(rest);
    if (!create) yield* joined(rest, chunks);
    while (create && rest) {
      const member = new Member(create({ chunkSize: OUTPUT_CHUNK }));
      yield* member.decompress(joined(rest, chunks));
      rest = member.unread();
    }
  } catch (error) {
    throw isDamage(error) ? Refusal.of(`its compressed bytes are damaged (${error.message})`, error) : error;
  } finally {
    await chunks.return?.();
  }
}

/** undefined for a plain tar. */
function decompressorFor(head: Buffer): CreateDecompressor | undefined {
  if (startsWith(head, GZIP_MAGIC)) return zlib.createGunzip as CreateDecompressor;
  if (startsWith(head, ZSTD_MAGIC)) {
    const create = (zlib as ZstdSupport).createZstdDecompress;
    if (create) return create;
    throw new SpkociError(
      "UNSUPPORTED_COMPRESSION",
      "the layer is compressed with zstd, which this Node doesn't have",
      {
        hint: "Run spkoci with Node 22.15 or newer.",
      },
    );
  }
  if (startsWith(head.subarray(TAR_MAGIC_AT), TAR_MAGIC)) return undefined;
  throw Refusal.of(head.length === 0 ? "it is empty" : "it is neither gzip nor zstd nor a tar");
}

function startsWith(bytes: Buffer, magic: Buffer): boolean {
  return bytes.subarray(0, magic.length).equals(magic);
}

/** Whether zlib says that the bytes are wrong; its codes are `Z_DATA_ERROR` and the like, and `ZSTD_error_…`. */
function isDamage(error: unknown): error is Error {
  return /^(Z_|ZSTD_)/.test(systemCodeOf(error) ?? "");
}

/**
 * A member of gzip or a frame of zstd, and those behind it that the decompressor reads by itself. It may end at any of them, with the
 * others unread: Node goes on in some cases only, and silently drops what follows in others.
 */
class Member {
  readonly #decompressor: Decompressor;
  #last: Buffer = Buffer.alloc(0);
  #written = 0;

  constructor(decompressor: Decompressor) {
    this.#decompressor = decompressor;
  }

  async *decompress(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    const feeding = this.#feed(source).catch((error: unknown) => {
      this.#decompressor.destroy(error instanceof Error ? error : new Error(String(error)));
    });
    try {
      yield* this.#decompressor as AsyncIterable<Buffer>;
    } finally {
      this.#decompressor.destroy();
      await feeding;
    }
  }

  /** What was written but belongs to the next one; undefined if there is nothing. */
  unread(): Buffer | undefined {
    const left = this.#written - this.#decompressor.bytesWritten;
    return left > 0 ? this.#last.subarray(this.#last.length - left) : undefined;
  }

  /** Writes one chunk after the other, each when the one before has been read, until one has not been read whole. */
  async #feed(source: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of source) {
      this.#last = chunk;
      this.#written += chunk.length;
      await this.#write(chunk);
      if (this.#decompressor.destroyed || this.unread()) return;
    }
    this.#decompressor.end();
  }

  /** Settles when the chunk has been read, and when the member ends within it or fails. */
  async #write(chunk: Buffer): Promise<void> {
    const decompressor = this.#decompressor;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        decompressor.off("close", settle);
        resolve();
      };
      decompressor.once("close", settle);
      decompressor.write(chunk, settle);
    });
  }
}

/** The first bytes of a stream: HEAD_LENGTH or a little more, fewer if it is shorter. */
async function readHead(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let length = 0; length < HEAD_LENGTH; ) {
    const { value, done } = await chunks.next();
    if (done) break;
    parts.push(value);
    length += value.length;
  }
  return Buffer.concat(parts);
}

/** Leaves `rest` open when it is not read to its end. */
async function* joined(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
