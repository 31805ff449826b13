import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import { Refusal } from "./unpack-refusal.js";

const OUTPUT_CHUNK = 256 * 1024;

/** Enough to find the magic of a tar, which stands at 257. */
const HEAD_LENGTH = 512;

const GZIP_MAGIC = Buffer.from("1f8b", "hex");
const ZSTD_MAGIC = Buffer.from("28b52ffd", "hex");
const TAR_MAGIC = Buffer.from("ustar");
const TAR_MAGIC_AT = 257;

/** The part of `node:zlib` that exists from Node 22.15. */
interface ZstdSupport {
  readonly createZstdDecompress?: (options: { readonly chunkSize: number }) => Transform;
}

/**
 * The plain tar of a layer that is compressed with gzip (one member or several) or zstd, or not at all. Its first bytes tell which:
 * media types are not to be relied on. Errors of `source` are thrown as they are.
 * @throws Refusal for anything else, and for compressed bytes that are damaged, cut off or followed by others;
 *   SpkociError UNSUPPORTED_COMPRESSION for zstd if this Node has none
 */
export async function* decompress(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const chunks = source[Symbol.asyncIterator]();
  const head = await readHead(chunks);
  const whole = joined(head, chunks);
  const decompressor = decompressorFor(head);
  if (decompressor) yield* through(whole, decompressor);
  else yield* whole;
}

function decompressorFor(head: Buffer): Transform | undefined {
  if (startsWith(head, GZIP_MAGIC)) return zlib.createGunzip({ chunkSize: OUTPUT_CHUNK });
  if (startsWith(head, ZSTD_MAGIC)) {
    const create = (zlib as ZstdSupport).createZstdDecompress;
    if (create) return create({ chunkSize: OUTPUT_CHUNK });
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

/** What `source` gives, as `transform` changes it. A failure of either is thrown, and both are closed however the reading ends. */
async function* through(source: AsyncIterable<Buffer>, transform: Transform): AsyncGenerator<Buffer, void, undefined> {
  const feeding = pipeline(source, transform);
  feeding.catch(() => {});
  try {
    yield* transform as AsyncIterable<Buffer>;
    await feeding;
  } catch (error) {
    throw isDamage(error) ? Refusal.of(`its compressed bytes are damaged (${error.message})`, error) : error;
  } finally {
    transform.destroy();
    await feeding.catch(() => {});
  }
}

/** Whether zlib says that the bytes are wrong; its codes are `Z_DATA_ERROR` and the like, and `ZSTD_error_…`. */
function isDamage(error: unknown): error is Error {
  return /^(Z_|ZSTD_)|^ERR_TRAILING_JUNK/.test(systemCodeOf(error) ?? "");
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

async function* joined(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
