import { pipeline, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import { SpkociError } from "../base/errors.js";
import type { Compression } from "../oci/media-type.js";
import { OCI_LAYER_GZIP, OCI_LAYER_ZSTD } from "../oci/media-type.js";
import { gzipInBlocks } from "./gzip-blocks.js";

export interface CompressionSettings {
  readonly compression: Compression;
  /** 1 to 9 for gzip, 1 to 19 for zstd. */
  readonly level: number;
}

/** Level 5 of gzip in blocks is 1 % larger than zlib's level 6 and takes three quarters of its time (docs/adr/0008-gzip-in-blocks.md). */
const LEVELS = { gzip: { max: 9, usual: 5 }, zstd: { max: 19, usual: 3 } } as const;

const MEDIA_TYPES = { gzip: OCI_LAYER_GZIP, zstd: OCI_LAYER_ZSTD } as const;

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
 * Checks a choice of compression, with the usual level unless one is given: 5 for gzip, 3 for zstd.
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

/** Compresses a stream. The bytes depend on the content, the settings and this Node's libraries alone. */
export async function* compress(
  source: AsyncIterable<Buffer>,
  { compression, level }: CompressionSettings,
): AsyncGenerator<Buffer, void, undefined> {
  if (compression === "gzip") {
    yield* gzipInBlocks(source, level);
    return;
  }
  const create = zstd.createZstdCompress;
  const parameter = zstd.constants.ZSTD_c_compressionLevel;
  if (create === undefined || parameter === undefined) throw zstdMissing();
  const compressor = create({ chunkSize: OUTPUT_CHUNK, params: { [parameter]: level } });
  // A failure of the source is thrown by the compressor, which is read here.
  pipeline(source, compressor, () => {});
  yield* compressor as AsyncIterable<Buffer>;
}

function zstdMissing(): SpkociError {
  return new SpkociError("UNSUPPORTED_COMPRESSION", "this Node has no zstd", {
    hint: "Run spkoci with Node 22.15 or newer, or choose gzip.",
  });
}
