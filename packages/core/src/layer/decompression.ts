import * as zlib from "node:zlib";
import { Gunzip, type ZlibOptions, ZstdDecompress } from "minizlib";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import { Refusal } from "./unpack-refusal.js";

/** For `node:zlib`: bytes of memory for what is unpacked at once, unless it shrank to less than an eighth. */
const OPTIONS: ZlibOptions & { readonly chunkSize: number } = { chunkSize: 512 * 1024 };

/** Bytes that are read at once. No more than a thousand times as many come of them, whatever they are, and wait in memory. */
const INPUT_CHUNK = 64 * 1024;

/** Enough to find the magic of a tar, which stands at 257. */
const HEAD_LENGTH = 512;

const GZIP_MAGIC = Buffer.from("1f8b", "hex");
const ZSTD_MAGIC = Buffer.from("28b52ffd", "hex");
const TAR_MAGIC = Buffer.from("ustar");
const TAR_MAGIC_AT = 257;

/** The part of `node:zlib` that exists from Node 22.15. */
interface ZstdSupport {
  readonly createZstdDecompress?: unknown;
}

type Decompressor = Gunzip | ZstdDecompress;

/** Takes the next bytes of a plain tar. Their memory is used again: they are to be done with, or copied, when it returns. */
export type TakePlain = (plain: Buffer) => void;

/**
 * Reads a layer that is compressed with gzip or zstd, in one member or frame or several, or not at all. Its first bytes tell which:
 * media types are not to be relied on. It is decompressed in the caller's thread: for another one to take part in it would cost more
 * than that saves. Errors of `source`, and of `take`, are thrown as they are. With zstd, a layer that is cut off may just end early.
 * @throws Refusal for anything else, and for compressed bytes that are damaged, cut off or followed by others;
 *   SpkociError UNSUPPORTED_COMPRESSION for zstd if this Node has none
 */
export async function decompress(source: AsyncIterable<Buffer>, take: TakePlain): Promise<void> {
  const chunks = source[Symbol.asyncIterator]();
  try {
    const head = await readHead(chunks);
    const create = decompressorFor(head);
    const plain = create ? new Decompression(create, take) : { write: take, end: () => {} };
    plain.write(head);
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) plain.write(next.value);
    plain.end();
  } catch (error) {
    throw isDamage(error) ? Refusal.of(`its compressed bytes are damaged (${error.message})`, error) : error;
  } finally {
    await chunks.return?.();
  }
}

/** undefined for a plain tar. */
function decompressorFor(head: Buffer): (() => Decompressor) | undefined {
  if (startsWith(head, GZIP_MAGIC)) return () => new Gunzip(OPTIONS);
  if (startsWith(head, ZSTD_MAGIC)) {
    if ((zlib as ZstdSupport).createZstdDecompress) return () => new ZstdDecompress(OPTIONS);
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

/** Compressed bytes of one member of gzip or frame of zstd, or of several. */
class Decompression {
  readonly #create: () => Decompressor;
  readonly #take: TakePlain;
  #member: Member;

  constructor(create: () => Decompressor, take: TakePlain) {
    this.#create = create;
    this.#take = take;
    this.#member = new Member(create(), take);
  }

  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + INPUT_CHUNK);
      const read = this.#member.write(part);
      at += read;
      if (read === part.length) continue;
      this.#member.end();
      this.#member = new Member(this.#create(), this.#take);
    }
  }

  end(): void {
    this.#member.end();
  }
}

/**
 * A member of gzip or a frame of zstd, and those behind it that the decompressor reads by itself: it goes on with the next one in some
 * cases, and reads nothing of it in others.
 */
class Member {
  readonly #decompressor: Decompressor;
  #failure: Error | undefined;

  constructor(decompressor: Decompressor, take: TakePlain) {
    this.#decompressor = decompressor;
    decompressor.on("error", (error) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
    decompressor.on("data", take);
  }

  /** @returns how many of the bytes it read: fewer than all where it ends */
  write(compressed: Buffer): number {
    this.#decompressor.write(compressed);
    this.#check();
    return this.#decompressor.handle?.bytesWritten ?? 0;
  }

  /** It fails if the member is cut off. */
  end(): void {
    this.#decompressor.end();
    this.#check();
    this.#decompressor.close();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
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
