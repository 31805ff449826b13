import { join } from "node:path";
import { constants } from "node:zlib";
import { type Digest, digestOf, isDigest } from "../base/digest.js";
import { memoryFilePath, readMemoryFile, writeMemoryFile } from "../base/memory-file.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { CompressionSettings } from "./compression.js";
import type { PrefixLocation } from "./entries.js";
import type { Fingerprint } from "./fingerprint.js";

/** What a layer was that was made earlier. */
export interface RememberedLayer {
  /** Media type, digest and size. */
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  /** What was written down of the paths in its files, if anything; at most PATH_OFFSETS_LIMIT characters. */
  readonly pathOffsets?: string | undefined;
}

/** Which layer it is, and what its bytes depend on beside the files of the prefix. */
export interface LayerSubject extends PrefixLocation {
  readonly settings: CompressionSettings;
  /** The build info as it would be if nothing had to be relocated: the rest of it follows from the files and these texts. */
  readonly buildInfo: string;
}

/** Counted up when more is remembered, or the same prefix gets other bytes: order or form of tar entries, block sizes of the compressor, usual flags. */
const LAYER_FORMAT = 3;

/** Where in a cache folder the digests of layers are remembered: one small file for each prefix and way to compress it. */
export function layerMemoryFolder(cacheDir: string): string {
  return join(cacheDir, "layers");
}

/**
 * Remembers the digests of layers by the fingerprints of their prefixes, so that an unchanged prefix need not be read again to know
 * them. Several processes may share one folder.
 */
export class LayerMemory {
  readonly #folder: string;

  constructor(cacheDir: string) {
    this.#folder = layerMemoryFolder(cacheDir);
  }

  /** What the layer of the prefix was when it had this fingerprint; undefined where that isn't known, or can't be read or trusted. */
  async recall(subject: LayerSubject, fingerprint: Fingerprint): Promise<RememberedLayer | undefined> {
    if (!fingerprint.settled) return undefined;
    const entry = await readMemoryFile(this.#pathOf(subject));
    if (entry === undefined || entry.state !== stateOf(subject, fingerprint)) return undefined;
    const { mediaType, digest, size, diffId, pathOffsets } = entry;
    if (typeof mediaType !== "string" || typeof size !== "number") return undefined;
    if (!isDigestText(digest) || !isDigestText(diffId)) return undefined;
    return { descriptor: { mediaType, digest, size }, diffId, ...(typeof pathOffsets === "string" && { pathOffsets }) };
  }

  /**
   * Replaces what was remembered of the prefix. An unsettled fingerprint is not remembered.
   * @throws SpkociError NO_SPACE or STORAGE_FAILED
   */
  async remember(subject: LayerSubject, fingerprint: Fingerprint, layer: RememberedLayer): Promise<void> {
    if (!fingerprint.settled) return;
    const { mediaType, digest, size } = layer.descriptor;
    const state = stateOf(subject, fingerprint);
    const { diffId, pathOffsets } = layer;
    await writeMemoryFile(this.#pathOf(subject), { state, mediaType, digest, size, diffId, pathOffsets });
  }

  #pathOf({ path, prefix, settings }: LayerSubject): string {
    return memoryFilePath(this.#folder, [path, prefix, settings.compression, settings.level]);
  }
}

/** All that the layer's bytes depend on. */
function stateOf({ buildInfo }: LayerSubject, fingerprint: Fingerprint): Digest {
  return digestOf(JSON.stringify([LAYER_FORMAT, constants.ZLIB_VERNUM, buildInfo, fingerprint.digest]));
}

function isDigestText(value: unknown): value is Digest {
  return typeof value === "string" && isDigest(value);
}
