import { gzipSync } from "node:zlib";
import {
  type Descriptor,
  DOCKER_CONFIG,
  DOCKER_INDEX,
  DOCKER_LAYER_GZIP,
  DOCKER_MANIFEST,
  type Document,
  digestOf,
  jsonDocument,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  parsePlatform,
} from "@spkoci/core";
import { blobOfBytes, type CountedBlob, seededBytes } from "./random.js";
import { tarOf } from "./tar.js";

export interface TestImage {
  readonly manifest: Document;
  readonly config: Document;
  readonly layers: readonly CountedBlob[];
  /** Config and layers: what a store must have before the manifest. */
  readonly blobs: readonly CountedBlob[];
}

export interface TestImageOptions {
  /** `os/architecture[/variant]`, linux/amd64 unless told. */
  readonly platform?: string;
  /** All media types are of this family; OCI unless told. */
  readonly family?: "oci" | "docker";
  /** The files of each layer, path to content. One layer with a seeded file unless told. */
  readonly layers?: readonly Readonly<Record<string, string>>[];
  /** The config's `config` member. */
  readonly config?: { readonly Env?: readonly string[]; readonly Cmd?: readonly string[] };
}

/** A small valid image: gzip layers, config, manifest. Same seed and options, same digests on one machine. */
export function buildImage(seed: string, options: TestImageOptions = {}): TestImage {
  const docker = options.family === "docker";
  const tars = (options.layers ?? [{ [`data/${seed}`]: seededBytes(seed, 1000).toString("hex") }]).map(tarOf);
  const layers = tars.map((tar) => blobOfBytes(gzipSync(tar), docker ? DOCKER_LAYER_GZIP : OCI_LAYER_GZIP));
  const { os, architecture, variant } = parsePlatform(options.platform ?? "linux/amd64");
  const config = jsonDocument(docker ? DOCKER_CONFIG : OCI_CONFIG, {
    architecture,
    variant,
    os,
    config: { Env: options.config?.Env, Cmd: options.config?.Cmd },
    rootfs: { type: "layers", diff_ids: tars.map((tar) => digestOf(tar)) },
    history: tars.map(() => ({ created_by: `testkit ${seed}` })),
  });
  const mediaType = docker ? DOCKER_MANIFEST : OCI_MANIFEST;
  const manifest = jsonDocument(mediaType, {
    schemaVersion: 2,
    mediaType,
    config: linkOf(config.descriptor),
    layers: layers.map((layer) => linkOf(layer.descriptor)),
  });
  const configBlob = blobOfBytes(Buffer.from(config.bytes), config.descriptor.mediaType);
  return { manifest, config, layers, blobs: [configBlob, ...layers] };
}

export interface TestIndex {
  readonly index: Document;
  /** What the index names, in its order; attestations come last. */
  readonly images: readonly TestImage[];
}

export interface TestIndexOptions extends Omit<TestImageOptions, "platform"> {
  /** Add an entry of platform unknown/unknown for each image, as build tools do for provenance. */
  readonly attestations?: boolean;
}

/** An index over one image for each platform. */
export function buildIndex(seed: string, platforms: readonly string[], options: TestIndexOptions = {}): TestIndex {
  const images = platforms.map((platform) => buildImage(`${seed}-${platform}`, { ...options, platform }));
  const mediaType = options.family === "docker" ? DOCKER_INDEX : OCI_INDEX;
  const entries = images.map(({ manifest }, at) => {
    const { os, architecture, variant } = parsePlatform(platforms[at] ?? "");
    return { ...linkOf(manifest.descriptor), platform: { architecture, os, variant } };
  });
  const proofs = options.attestations ? images.map((image, at) => attestationOf(image, `${seed}-${at}`)) : [];
  const manifests = [...entries, ...proofs.map(({ entry }) => entry)];
  const index = jsonDocument(mediaType, { schemaVersion: 2, mediaType, manifests });
  return { index, images: [...images, ...proofs.map(({ image }) => image)] };
}

/** An attestation as BuildKit attaches it: an image for unknown/unknown whose annotation names the real one. */
function attestationOf(subject: TestImage, seed: string) {
  const image = buildImage(`attestation ${seed}`, { platform: "unknown/unknown" });
  const annotations = {
    "vnd.docker.reference.digest": subject.manifest.descriptor.digest,
    "vnd.docker.reference.type": "attestation-manifest",
  };
  const platform = { architecture: "unknown", os: "unknown" };
  return { image, entry: { ...linkOf(image.manifest.descriptor), annotations, platform } };
}

function linkOf({ mediaType, digest, size }: Descriptor) {
  return { mediaType, digest, size };
}
