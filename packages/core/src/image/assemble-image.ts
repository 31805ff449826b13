import { SpkociError } from "../base/errors.js";
import type { JsonValue } from "../base/json.js";
import type { Descriptor } from "../oci/descriptor.js";
import { type Document, jsonDocument } from "../oci/document.js";
import { CONFIG_LIMIT } from "../oci/image-config.js";
import { DOCKER_CONFIG, DOCKER_MANIFEST, type Family, OCI_CONFIG, OCI_MANIFEST } from "../oci/media-type.js";
import { MANIFEST_LIMIT } from "../oci/store.js";
import {
  BASE_DIGEST,
  BASE_NAME,
  CREATED,
  DESCRIPTION,
  LAYER_DAG_HASH,
  LAYER_DIFF_ID,
  LAYER_PATH_OFFSETS,
  RUN_ENV,
  SOURCE,
  TITLE,
  VERSION,
} from "./annotations.js";
import { assembleConfig, createdOf } from "./assemble-config.js";
import type { ImageLayer } from "./image-layer.js";
import type { ImagePlan } from "./image-plan.js";
import { fitsDocker, layerTypeIn } from "./layer-media-type.js";

const PACKAGE_MARKS: ReadonlySet<string> = new Set([LAYER_DIFF_ID, LAYER_DAG_HASH, LAYER_PATH_OFFSETS]);

export interface AssembledImage {
  readonly config: Document;
  readonly manifest: Document;
  /** The base's layers as the manifest names them. */
  readonly baseLayers: readonly Descriptor[];
  /** The package layers as the manifest names them. */
  readonly packageLayers: readonly Descriptor[];
}

/**
 * Config and manifest of an image (image-spec, manifest.md and config.md; format page, sections 2 and 3). All of it
 * is in the base's family of media types; a Docker base becomes an OCI image where a layer is compressed with zstd,
 * for which Docker has no type.
 * @throws SpkociError DOCUMENT_TOO_LARGE if registries or readers would refuse a document.
 */
export function assembleImage(plan: ImagePlan): AssembledImage {
  const family = familyFor(plan);
  const what = plan.title ?? "the image";
  const config = jsonDocument(family === "docker" ? DOCKER_CONFIG : OCI_CONFIG, assembleConfig(plan, family));
  checkSize(config, CONFIG_LIMIT, `the config of ${what}`);
  const baseLayers = (plan.base?.manifest.layers ?? []).map((layer) => baseLayer(layer, family));
  const own = plan.spec && plan.layers.at(-1);
  const packageLayers = plan.layers.map((layer) => packageLayer(layer, family, layer === own));
  const manifest = jsonDocument(family === "docker" ? DOCKER_MANIFEST : OCI_MANIFEST, {
    mediaType: family === "docker" ? DOCKER_MANIFEST : OCI_MANIFEST,
    schemaVersion: 2,
    config: { ...config.descriptor } as JsonValue,
    layers: [...baseLayers, ...packageLayers].map((layer) => ({ ...layer }) as JsonValue),
    annotations: family === "docker" ? undefined : annotationsOf(plan),
  });
  checkSize(manifest, MANIFEST_LIMIT, `the manifest of ${what}`);
  return { config, manifest, baseLayers, packageLayers };
}

function familyFor(plan: ImagePlan): Family {
  const layers = [...(plan.base?.manifest.layers ?? []), ...plan.layers.map(({ descriptor }) => descriptor)];
  return plan.base?.family === "docker" && layers.every(({ mediaType }) => fitsDocker(mediaType)) ? "docker" : "oci";
}

function baseLayer(layer: Descriptor, family: Family): Descriptor {
  const { mediaType, digest, size, urls } = layer;
  // What marks package layers is not inherited: these layers are the base's now.
  const annotations = Object.entries(layer.annotations ?? {}).filter(([name]) => !PACKAGE_MARKS.has(name));
  return {
    mediaType: layerTypeIn(family, mediaType),
    digest,
    size,
    ...(urls ? { urls } : {}),
    ...(family === "docker" || annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
  };
}

/** What readers of an image relocate is its last layer: offsets in others would be of no use. */
function packageLayer(layer: ImageLayer, family: Family, isOwn: boolean): Descriptor {
  const { mediaType, digest, size } = layer.descriptor;
  const plain = { mediaType: layerTypeIn(family, mediaType), digest, size };
  if (family === "docker") return plain;
  const offsets = isOwn && layer.pathOffsets ? { [LAYER_PATH_OFFSETS]: layer.pathOffsets } : {};
  return { ...plain, annotations: { [LAYER_DIFF_ID]: layer.diffId, [LAYER_DAG_HASH]: layer.dagHash, ...offsets } };
}

function annotationsOf(plan: ImagePlan): { readonly [name: string]: string | undefined } {
  return {
    [DESCRIPTION]: plan.description,
    [TITLE]: plan.title,
    [VERSION]: plan.version,
    [CREATED]: createdOf(plan),
    [BASE_NAME]: plan.base?.reference,
    [BASE_DIGEST]: plan.base?.descriptor.digest,
    [SOURCE]: plan.settings?.source,
    [RUN_ENV]: plan.runEnv,
  };
}

function checkSize(document: Document, limit: number, what: string): void {
  const { size } = document.descriptor;
  if (size <= limit) return;
  throw new SpkociError("DOCUMENT_TOO_LARGE", `${what} would have ${size} bytes, registries take ${limit}`, {
    hint: "Push fewer packages into one image, or choose a base image with fewer layers.",
  });
}
