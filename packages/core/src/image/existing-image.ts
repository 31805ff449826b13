import { type Digest, isDigest } from "../base/digest.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import type { ImageConfig } from "../oci/image-config.js";
import { type Manifest, parseManifest } from "../oci/manifest.js";
import {
  CONFIG_MARK,
  CREATED,
  isRunEnv,
  LAYER_DAG_HASH,
  LAYER_DIFF_ID,
  LAYER_PATH_OFFSETS,
  RUN_ENV,
  type RunEnv,
} from "./annotations.js";
import { isPathOffsets } from "./path-offsets.js";

/** A package layer read back from an image; with a title it is an ImageLayer. */
export interface ExistingLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly dagHash: string;
  /** The text of LAYER_PATH_OFFSETS; undefined if it has none that can be read. */
  readonly pathOffsets?: string | undefined;
}

/** A package's image as it is in a cache. */
export interface ExistingImage {
  readonly document: Document;
  readonly manifest: Manifest;
  /** DAG hash of the package whose image it is; undefined if it holds no Spack package. */
  readonly dagHash: string | undefined;
  /** The package's own layer. */
  readonly own: ExistingLayer | undefined;
  /** Written by spkoci; then `packageLayers`, `baseLayers` and `runEnv` are complete. */
  readonly byUs: boolean;
  /**
   * Package layers, the own one last. Spack's images don't say which layers are packages: there it is the own one
   * alone.
   */
  readonly packageLayers: readonly ExistingLayer[];
  /** Undefined for an image by others. */
  readonly baseLayers: readonly Descriptor[] | undefined;
  readonly runEnv: RunEnv | undefined;
  /** Seconds since 1970; undefined if the image has no time, or is by others. */
  readonly sourceDateEpoch: number | undefined;
  /** Present if it had to be read: for images without spkoci's annotations. */
  readonly config: ImageConfig | undefined;
}

/**
 * What a package's image says of its layers. `readConfig` is called only for images without spkoci's annotations:
 * Spack's, and those in Docker's media types. A manifest that fits neither form is no error: it has no `own` layer.
 * `what` names the image.
 * @throws SpkociError DOCUMENT_INVALID if the document is no image manifest, and whatever `readConfig` throws.
 */
export async function readExistingImage(
  document: Document,
  what: string,
  readConfig: (config: Descriptor) => Promise<ImageConfig>,
): Promise<ExistingImage> {
  const manifest = parseManifest(document, what);
  const annotated = packageLayersFrom(manifest, (layer) => ({
    diffId: layer.annotations?.[LAYER_DIFF_ID],
    dagHash: layer.annotations?.[LAYER_DAG_HASH],
  }));
  const runEnv = manifest.annotations?.[RUN_ENV];
  if (annotated.length > 0 && isRunEnv(runEnv))
    return ours({ document, manifest, config: undefined }, annotated, runEnv);
  const config = await readConfig(manifest.config);
  const read: ReadImage = { document, manifest, config };
  const marked = markedLayers(manifest, config);
  return marked ? ours(read, marked.layers, marked.runEnv) : bySpack(read, config);
}

interface ReadImage {
  readonly document: Document;
  readonly manifest: Manifest;
  readonly config: ImageConfig | undefined;
}

function ours(read: ReadImage, packageLayers: readonly ExistingLayer[], runEnv: RunEnv): ExistingImage {
  const own = packageLayers.at(-1);
  const baseLayers = read.manifest.layers.slice(0, read.manifest.layers.length - packageLayers.length);
  return {
    ...read,
    dagHash: own?.dagHash,
    own,
    byUs: true,
    packageLayers,
    baseLayers,
    runEnv,
    sourceDateEpoch: epochOf(read),
  };
}

function bySpack(read: ReadImage, config: ImageConfig): ExistingImage {
  const dagHash = dagHashIn(config);
  const descriptor = read.manifest.layers.at(-1);
  const diffId = config.rootfs.diff_ids.at(-1);
  const sound = config.rootfs.diff_ids.length === read.manifest.layers.length;
  const own = dagHash && descriptor && diffId && sound ? { descriptor, diffId, dagHash } : undefined;
  return {
    ...read,
    dagHash,
    own,
    byUs: false,
    packageLayers: own ? [own] : [],
    baseLayers: undefined,
    runEnv: undefined,
    sourceDateEpoch: undefined,
  };
}

function epochOf({ manifest, config }: ReadImage): number | undefined {
  const epoch = Date.parse(manifest.annotations?.[CREATED] ?? config?.created ?? "") / 1000;
  return Number.isNaN(epoch) ? undefined : epoch;
}

/** The longest run of layers at the end that are marked as packages. */
function packageLayersFrom(
  manifest: Manifest,
  marksOf: (layer: Descriptor, index: number) => { readonly diffId: unknown; readonly dagHash: unknown },
): ExistingLayer[] {
  const found: ExistingLayer[] = [];
  for (let index = manifest.layers.length - 1; index >= 0; index -= 1) {
    const descriptor = manifest.layers[index] as Descriptor;
    const { diffId, dagHash } = marksOf(descriptor, index);
    if (typeof diffId !== "string" || !isDigest(diffId) || typeof dagHash !== "string" || dagHash === "") break;
    const pathOffsets = descriptor.annotations?.[LAYER_PATH_OFFSETS];
    found.unshift({ descriptor, diffId, dagHash, ...(isPathOffsets(pathOffsets) && { pathOffsets }) });
  }
  return found;
}

/** What the config of an image in Docker's media types says of its package layers. */
function markedLayers(
  manifest: Manifest,
  config: ImageConfig,
): { readonly layers: ExistingLayer[]; readonly runEnv: RunEnv } | undefined {
  const mark = asObject(config[CONFIG_MARK]);
  const hashes = mark?.layers;
  if (!mark || !isRunEnv(mark.runEnv) || !Array.isArray(hashes)) return undefined;
  const { diff_ids } = config.rootfs;
  if (diff_ids.length !== manifest.layers.length) return undefined;
  const first = manifest.layers.length - hashes.length;
  const layers = packageLayersFrom(manifest, (_layer, index) => ({
    diffId: diff_ids[index],
    dagHash: hashes[index - first],
  }));
  return layers.length > 0 && layers.length === hashes.length ? { layers, runEnv: mark.runEnv } : undefined;
}

/** The hash of the root node of the embedded spec. */
function dagHashIn(config: ImageConfig): string | undefined {
  const nodes = asObject(config.spec)?.nodes;
  const hash = Array.isArray(nodes) ? asObject(nodes[0])?.hash : undefined;
  return typeof hash === "string" && hash !== "" ? hash : undefined;
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}
