import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import { SpkociError } from "../base/errors.js";
import type { Compression } from "../oci/media-type.js";
import { OCI_LAYER_GZIP, OCI_LAYER_ZSTD } from "../oci/media-type.js";

export interface CompressionSettings {
  readonly compression: Compression;
  /** 1 to 9 for gzip, 1 to 19 for zstd. */
  readonly level: number;
}

const LEVELS = { gzip: { max: 9, usual: 6 }, zstd: { max: 19, usual: 3 } } as const;

const MEDIA_TYPES = { gzip: OCI_LAYER_GZIP, zstd: OCI_LAYER_ZSTD } as const;

/** Deflate, no name, no time, no extra flags, unknown system (RFC 1952, 2.3): what Spack writes at its level 6. */
const GZIP_HEADER = Buffer.from("1f8b08000000000000ff", "hex");

const OUTPUT_CHUNK = 256 * 1024;

/** The part of `node:zlib` that exists from Node 22.15. */
interface ZstdSupport {
  readonly createZstdCompress?: (options: {
    readonly chunkSize: number;
    readonly params: Readonly<Record<number, number>>;
  }) => Transform;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}

const zstd: ZstdSupport = zlib as unknown as ZstdSupport;

/**
 * Checks a choice of compression, with the usual level unless one is given: 6 for gzip, 3 for zstd.
 * @throws SpkociError INVALID_ARGUMENT for a level out of range, UNSUPPORTED_COMPRESSION if this Node has no zstd.
 */
export function compressionSettings(compression: Compression, level?: number): CompressionSettings {
  const { max, usual } = LEVELS[compression];
  const chosen = level ?? usual;
  if (!Number.isInteger(chosen) || chosen < 1 || chosen > max) {
    throw new SpkociError("INVALID_ARGUMENT", `no compression level ${chosen} for ${compression}`, {
      hint: `Choose a level from 1 to ${max}.`,
    });
  }
  if (compression === "zstd" && zstd.createZstdCompress === undefined) throw zstdMissing();
  return { compression, level: chosen };
}

/** Media type of a layer that is compressed that way (image-spec, layer.md). */
export function layerMediaType(compression: Compression): string {
  return MEDIA_TYPES[compression];
}

/** A stream that compresses. The result is what `withFixedHeader` makes of its output. */
export function createCompressor({ compression, level }: CompressionSettings): Transform {
  if (compression === "gzip") return zlib.createGzip({ level, chunkSize: OUTPUT_CHUNK });
  const create = zstd.createZstdCompress;
  const parameter = zstd.constants.ZSTD_c_compressionLevel;
  if (create === undefined || parameter === undefined) throw zstdMissing();
  return create({ chunkSize: OUTPUT_CHUNK, params: { [parameter]: level } });
}

/** Puts GZIP_HEADER in the place of zlib's header, which names the operating system and depends on the level. */
export async function* withFixedHeader(
  source: AsyncIterable<Buffer>,
  { compression }: CompressionSettings,
): AsyncGenerator<Buffer, void, undefined> {
  let seen = compression === "gzip" ? 0 : GZIP_HEADER.length;
  for await (const chunk of source) {
    if (seen < GZIP_HEADER.length) seen += GZIP_HEADER.copy(chunk, 0, seen);
    yield chunk;
  }
}

function zstdMissing(): SpkociError {
  return new SpkociError("UNSUPPORTED_COMPRESSION", "this Node has no zstd", {
    hint: "Run spkoci with Node 22.15 or newer, or choose gzip.",
  });
}
