import type { EventEmitter } from "node:events";
import * as zlib from "node:zlib";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import { Refusal } from "./unpack-refusal.js";

/** Bytes of a plain tar that are taken at once. */
const OUTPUT_SIZE = 256 * 1024;

/** No flush: Z_NO_FLUSH, and ZSTD_e_continue. */
const GO_ON = 0;

/** Enough to find the magic of a tar, which stands at 257. */
const HEAD_LENGTH = 512;

const GZIP_MAGIC = Buffer.from("1f8b", "hex");
const ZSTD_MAGIC = Buffer.from("28b52ffd", "hex");
const TAR_MAGIC = Buffer.from("ustar");
const TAR_MAGIC_AT = 257;

/**
 * The part of a stream of `node:zlib` that decompresses in the caller's thread, as its own functions that end with Sync do, which take
 * whole files only. Node doesn't document it; minizlib, which npm unpacks with, reaches into the same parts.
 */
interface Decompressor extends EventEmitter {
  readonly _handle: {
    writeSync(
      flush: number,
      input: Buffer,
      at: number,
      length: number,
      output: Buffer,
      outputAt: number,
      room: number,
    ): void;
  };
  /** Bytes that were left by the last write: of room in the output, of the input. */
  readonly _writeState: Uint32Array;
  readonly _finishFlushFlag: number;
  readonly errored: Error | null;
  close(): void;
}

type CreateDecompressor = () => Decompressor;

interface Format {
  readonly create: CreateDecompressor;
  /** Whether one decompressor reads what follows a member or frame, which it stops before. */
  readonly goesOn: boolean;
}

/** The part of `node:zlib` that exists from Node 22.15. */
interface ZstdSupport {
  readonly createZstdDecompress?: CreateDecompressor;
}

/** Takes the next bytes of a plain tar. Their memory is used again: they are to be done with, or copied, when it returns. */
export type TakePlain = (plain: Buffer) => void;

/**
 * Reads a layer that is compressed with gzip or zstd, in one member or frame or several, or not at all. Its first bytes tell which:
 * media types are not to be relied on. It is decompressed in the caller's thread: for another one to take part in it would cost more
 * than that saves. A chunk of `source` is done with when the next one is asked for. Errors of `source`, and of `take`, are thrown as they
 * are. With zstd, a layer that is cut off may just end early.
 * @throws Refusal for anything else, and for compressed bytes that are damaged, cut off or followed by others;
 *   SpkociError UNSUPPORTED_COMPRESSION for zstd if this Node has none
 */
export async function decompress(source: AsyncIterable<Buffer>, take: TakePlain): Promise<void> {
  const chunks = source[Symbol.asyncIterator]();
  let plain: Pick<Decompression, "write" | "end" | "close"> = { write: take, end: () => {}, close: () => {} };
  try {
    const head = await readHead(chunks);
    const format = formatOf(head);
    if (format) plain = new Decompression(format, take);
    plain.write(head);
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) plain.write(next.value);
    plain.end();
  } catch (error) {
    throw isDamage(error) ? Refusal.of(`its compressed bytes are damaged (${error.message})`, error) : error;
  } finally {
    plain.close();
    await chunks.return?.();
  }
}

/** undefined for a plain tar. */
function formatOf(head: Buffer): Format | undefined {
  if (startsWith(head, GZIP_MAGIC)) {
    return { create: zlib.createGunzip as unknown as CreateDecompressor, goesOn: false };
  }
  if (startsWith(head, ZSTD_MAGIC)) {
    const create = (zlib as ZstdSupport).createZstdDecompress;
    // A layer has a frame for each block that was compressed by itself: a decompressor for each would have a window for each.
    if (create) return { create, goesOn: true };
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
  readonly #format: Format;
  readonly #take: TakePlain;
  readonly #output = Buffer.allocUnsafeSlow(OUTPUT_SIZE);
  #member: Member;

  constructor(format: Format, take: TakePlain) {
    this.#format = format;
    this.#take = take;
    this.#member = this.#begin();
  }

  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const rest = chunk.subarray(at);
      const read = this.#member.write(rest);
      at += read;
      if (read === rest.length) return;
      this.#member.end();
      this.#member = this.#begin();
    }
  }

  /** It fails if the last member is cut off. */
  end(): void {
    this.#member.end();
  }

  close(): void {
    this.#member.close();
  }

  #begin(): Member {
    return new Member(this.#format, this.#output, this.#take);
  }
}

/**
 * A member of gzip or a frame of zstd, and those behind it that the decompressor reads by itself: it goes on with the next one in some
 * cases, and reads nothing of it in others.
 */
class Member {
  readonly #decompressor: Decompressor;
  readonly #goesOn: boolean;
  readonly #output: Buffer;
  readonly #take: TakePlain;

  constructor({ create, goesOn }: Format, output: Buffer, take: TakePlain) {
    const decompressor = create();
    this.#decompressor = decompressor;
    this.#goesOn = goesOn;
    this.#output = output;
    this.#take = take;
    // `errored` tells.
    decompressor.on("error", () => {});
  }

  /** @returns how many of the bytes it read: fewer than all where it ends */
  write(compressed: Buffer): number {
    return this.#process(compressed, GO_ON);
  }

  /** It fails if the member is cut off. */
  end(): void {
    this.#process(NOTHING, this.#decompressor._finishFlushFlag);
    this.#decompressor.close();
  }

  close(): void {
    this.#decompressor.close();
  }

  #process(input: Buffer, flush: number): number {
    const { _handle: handle, _writeState: state } = this.#decompressor;
    const room = this.#output.length;
    for (let at = 0; ; ) {
      const before = at;
      handle.writeSync(flush, input, at, input.length - at, this.#output, 0, room);
      // A failure has closed the handle.
      if (this.#decompressor.errored) throw this.#decompressor.errored;
      const [roomLeft = 0, unread = 0] = state;
      at = input.length - unread;
      if (roomLeft < room) this.#take(this.#output.subarray(0, room - roomLeft));
      const mayGoOn = this.#goesOn && unread > 0 && (at > before || roomLeft < room);
      if (roomLeft > 0 && !mayGoOn) return at;
    }
  }
}

const NOTHING = Buffer.alloc(0);

/** The first bytes of a stream: HEAD_LENGTH or a little more, fewer if it is shorter. */
async function readHead(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let head = NOTHING;
  while (head.length < HEAD_LENGTH) {
    const { value, done } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  return head;
}
