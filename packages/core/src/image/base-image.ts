import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { collect } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { CONFIG_LIMIT, type ImageConfig, parseImageConfig } from "../oci/image-config.js";
import { type Manifest, parseImageIndex, parseManifest } from "../oci/manifest.js";
import { DOCKER_CONFIG, type Family, familyOf, isIndexType, OCI_CONFIG } from "../oci/media-type.js";
import { formatPlatform, type Platform } from "../oci/platform.js";
import type { Store } from "../oci/store.js";
import { isAttestation, satisfies, selectEntry } from "./select-entry.js";

/** An image that packages are put on. */
export interface BaseImage {
  /** As the user wrote it, for messages. */
  readonly name: string;
  /**
   * Full reference for the annotation base.name; absent where it means nothing on another machine, as for a folder.
   */
  readonly reference?: string | undefined;
  /** Of the image's manifest; never of an index. */
  readonly descriptor: Descriptor;
  readonly family: Family;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  /** What the config says; where that has no variant, the variant of the index entry. */
  readonly platform: Platform;
}

export interface BaseImageRequest {
  /** As the user wrote it, for messages. */
  readonly name: string;
  /** See `BaseImage.reference`. */
  readonly reference?: string | undefined;
  /** The platform that the user asked for; with a variant, only that variant will do. */
  readonly platform?: Platform | undefined;
  /** Operating system and architecture of the packages; its variant is not looked at. */
  readonly wanted: Platform;
}

/** Indexes inside indexes that are followed. */
const DEPTH_LIMIT = 4;
/** Entries without a platform that are opened to learn theirs, in all. */
const UNNAMED_LIMIT = 16;

/**
 * The image that `reference`, a tag or digest in `store`, names for the platform. In an index the entry for it is
 * chosen (image-spec, image-index.md): attestations are passed over, nested indexes followed, and without a variant
 * asked the most portable image wins.
 * @throws SpkociError IMAGE_NOT_FOUND if there is nothing under the reference; PLATFORM_NOT_FOUND if there is no
 *   image for the platform; DOCUMENT_INVALID or DOCUMENT_TOO_LARGE if it is no sound container image; BLOB_NOT_FOUND
 *   if its config is missing.
 */
export async function readBaseImage(
  store: Store,
  reference: string,
  request: BaseImageRequest,
  op?: Op,
): Promise<BaseImage> {
  const { name, wanted } = request;
  const asked = request.platform ?? { os: wanted.os, architecture: wanted.architecture };
  if (!satisfies(asked, { os: wanted.os, architecture: wanted.architecture }))
    throw anotherPlatform(name, asked, wanted);
  const document = await store.read(reference, op);
  if (!document) {
    throw new SpkociError("IMAGE_NOT_FOUND", `base image ${name} does not exist`, {
      hint: "Check its name and tag, and whether its registry lets you read it.",
    });
  }
  const lookup: Lookup = { store, request, asked, offered: new Set(), unnamed: 0 };
  const found = isIndexType(document.descriptor.mediaType)
    ? await findInIndex(lookup, document, 1, op)
    : await readImage(lookup, document, undefined, op);
  if (!found) throw nothingFor(lookup);
  if (satisfies(found.platform, asked)) return found;
  throw anotherPlatform(name, found.platform, asked);
}

interface Lookup {
  readonly store: Store;
  readonly request: BaseImageRequest;
  readonly asked: Platform;
  /** Platforms seen on the way, for the message. */
  readonly offered: Set<string>;
  /** Entries without a platform that were opened. */
  unnamed: number;
}

async function findInIndex(
  lookup: Lookup,
  document: Document,
  depth: number,
  op: Op | undefined,
): Promise<BaseImage | undefined> {
  const { name } = lookup.request;
  if (depth > DEPTH_LIMIT) {
    throw new SpkociError("DOCUMENT_INVALID", `base image ${name} has indexes nested deeper than ${DEPTH_LIMIT}`);
  }
  const entries = parseImageIndex(document, `base image ${name}`).manifests.filter((entry) => !isAttestation(entry));
  for (const { platform } of entries) if (platform) lookup.offered.add(formatPlatform(platform));
  const chosen = selectEntry(entries, lookup.asked);
  if (chosen) return await readEntry(lookup, chosen, depth, op);
  for (const entry of entries) {
    if (entry.platform || lookup.unnamed >= UNNAMED_LIMIT) continue;
    lookup.unnamed += 1;
    const found = await readEntry(lookup, entry, depth, op);
    if (!found) continue;
    if (satisfies(found.platform, lookup.asked)) return found;
    lookup.offered.add(formatPlatform(found.platform));
  }
  return undefined;
}

async function readEntry(
  lookup: Lookup,
  entry: Descriptor,
  depth: number,
  op: Op | undefined,
): Promise<BaseImage | undefined> {
  const document = await lookup.store.read(entry.digest, op);
  if (!document) {
    throw new SpkociError("IMAGE_NOT_FOUND", `base image ${lookup.request.name} lacks its manifest ${entry.digest}`);
  }
  return isIndexType(document.descriptor.mediaType)
    ? await findInIndex(lookup, document, depth + 1, op)
    : await readImage(lookup, document, entry.platform, op);
}

async function readImage(
  lookup: Lookup,
  document: Document,
  entryPlatform: Platform | undefined,
  op: Op | undefined,
): Promise<BaseImage> {
  const { name, reference } = lookup.request;
  const manifest = parseManifest(document, `base image ${name}`);
  const config = await readConfig(lookup, manifest, op);
  const variant = config.variant || entryPlatform?.variant;
  return {
    name,
    ...(reference === undefined ? {} : { reference }),
    descriptor: document.descriptor,
    family: familyOf(document.descriptor.mediaType),
    manifest,
    config,
    platform: { os: config.os, architecture: config.architecture, ...(variant ? { variant } : {}) },
  };
}

async function readConfig(lookup: Lookup, manifest: Manifest, op: Op | undefined): Promise<ImageConfig> {
  const { name } = lookup.request;
  const { mediaType, size } = manifest.config;
  if (mediaType !== OCI_CONFIG && mediaType !== DOCKER_CONFIG) {
    throw new SpkociError("DOCUMENT_INVALID", `base image ${name} is no container image: its config is ${mediaType}`);
  }
  const what = `the config of base image ${name}`;
  if (size > CONFIG_LIMIT) throw new SpkociError("DOCUMENT_TOO_LARGE", `${what} is larger than ${CONFIG_LIMIT} bytes`);
  const config = parseImageConfig(
    await collect(await lookup.store.open(manifest.config, op), CONFIG_LIMIT, what),
    what,
  );
  const diffIds = config.rootfs.diff_ids.length;
  if (diffIds !== manifest.layers.length) {
    throw new SpkociError(
      "DOCUMENT_INVALID",
      `${what} lists ${diffIds} layers, its manifest ${manifest.layers.length}`,
    );
  }
  return config;
}

function nothingFor(lookup: Lookup): SpkociError {
  const offered = [...lookup.offered].sort();
  return new SpkociError(
    "PLATFORM_NOT_FOUND",
    `base image ${lookup.request.name} has no image for ${formatPlatform(lookup.asked)}`,
    {
      hint: offered.length > 0 ? `It has ${offered.slice(0, 20).join(", ")}.` : "It names no platform at all.",
    },
  );
}

function anotherPlatform(name: string, found: Platform, wanted: Platform): SpkociError {
  return new SpkociError(
    "PLATFORM_NOT_FOUND",
    `base image of another architecture: ${name} is for ${formatPlatform(found)}, needed is ${formatPlatform(wanted)}`,
    { hint: "Choose a base image for the platform that the packages were built for." },
  );
}
