import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { constants } from "node:zlib";
import { writeFileAtomically } from "../base/atomic-file.js";
import { type Digest, digestOf, hexOf, isDigest } from "../base/digest.js";
import { systemCodeOf } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { CompressionSettings } from "./compression.js";
import type { PrefixLocation } from "./entries.js";
import type { Fingerprint } from "./fingerprint.js";

/** What a layer was that was made earlier. */
export interface RememberedLayer {
  /** Media type, digest and size. */
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

/** Which layer it is, and what its bytes depend on beside the files of the prefix. */
export interface LayerSubject extends PrefixLocation {
  readonly settings: CompressionSettings;
  /** The build info as it would be if nothing had to be relocated: the rest of it follows from the files and these texts. */
  readonly buildInfo: string;
}

/** Counted up when the same prefix gets other bytes: order or form of tar entries, block sizes of the compressor, usual flags. */
const LAYER_FORMAT = 1;

/** Where in a cache folder the digests of layers are remembered: one small file for each prefix and way to compress it. */
export function layerMemoryFolder(cacheDir: string): string {
  return join(cacheDir, "layers");
}

/** Names of the files in that folder, and of those that a process has not finished, or not lived to finish. */
export const MEMORY_FILE: RegExp = /^(?:[0-9a-f]{64}\.json|\.[0-9a-f]{64}\.json\.[0-9a-f]{16}\.tmp)$/;

/** The largest file that is read, bytes. */
const FILE_LIMIT = 4096;

/**
 * Remembers the digests of layers by the fingerprints of their prefixes, so that an unchanged prefix need not be read again to know
 * them. Several processes may share one folder: a file is written whole or not at all, and the last one stays.
 */
export class LayerMemory {
  readonly #folder: string;

  constructor(cacheDir: string) {
    this.#folder = layerMemoryFolder(cacheDir);
  }

  /** What the layer of the prefix was when it had this fingerprint; undefined where that isn't known, or can't be read or trusted. */
  async recall(subject: LayerSubject, fingerprint: Fingerprint): Promise<RememberedLayer | undefined> {
    if (!fingerprint.settled) return undefined;
    const text = await readPrivateFile(this.#pathOf(subject));
    return text === undefined ? undefined : parseEntry(text, stateOf(subject, fingerprint));
  }

  /**
   * Replaces what was remembered of the prefix. An unsettled fingerprint is not remembered.
   * @throws SpkociError NO_SPACE or STORAGE_FAILED
   */
  async remember(subject: LayerSubject, fingerprint: Fingerprint, layer: RememberedLayer): Promise<void> {
    if (!fingerprint.settled) return;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const { mediaType, digest, size } = layer.descriptor;
    const entry = JSON.stringify({
      state: stateOf(subject, fingerprint),
      mediaType,
      digest,
      size,
      diffId: layer.diffId,
    });
    await writeFileAtomically(this.#pathOf(subject), `${entry}\n${digestOf(entry)}\n`, { mode: 0o600, durable: false });
  }

  #pathOf({ path, prefix, settings }: LayerSubject): string {
    const name = digestOf(JSON.stringify([path, prefix, settings.compression, settings.level]));
    return join(this.#folder, `${hexOf(name)}.json`);
  }
}

/** All that the layer's bytes depend on. */
function stateOf({ buildInfo }: LayerSubject, fingerprint: Fingerprint): Digest {
  return digestOf(JSON.stringify([LAYER_FORMAT, constants.ZLIB_VERNUM, buildInfo, fingerprint.digest]));
}

/** The text of a file that nobody else may write. */
async function readPrivateFile(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const { mode, size } = await file.stat();
    return (mode & 0o022) === 0 && size <= FILE_LIMIT ? await file.readFile("utf8") : undefined;
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return undefined;
  } finally {
    await file?.close();
  }
}

/** An entry of this state; one that is damaged, or of another state, is none. */
function parseEntry(text: string, state: Digest): RememberedLayer | undefined {
  const [entry = "", sum] = text.split("\n");
  if (sum !== digestOf(entry) || !entry.startsWith("{")) return undefined;
  const { mediaType, digest, size, diffId, ...rest } = parseJson(entry, "an entry") as Record<string, unknown>;
  if (rest.state !== state || typeof mediaType !== "string" || typeof size !== "number") return undefined;
  if (!isDigestText(digest) || !isDigestText(diffId)) return undefined;
  return { descriptor: { mediaType, digest, size }, diffId };
}

function isDigestText(value: unknown): value is Digest {
  return typeof value === "string" && isDigest(value);
}
