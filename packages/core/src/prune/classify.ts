import { type Digest, isDigest } from "../base/digest.js";
import { isBrokenImage } from "../catalog/broken-image.js";
import type { Document } from "../oci/document.js";
import { type Manifest, parseImageIndex, parseManifest } from "../oci/manifest.js";
import { isIndexType, OCI_CONFIG, OCI_LAYER_GZIP } from "../oci/media-type.js";

/**
 * What an image is to a cache. `index`: the cache's index; `stale-index`: an earlier one, untagged; `package`; `unreadable`: its tag is a
 * package's, but it can't be read; `referrer`: it is about its subject; `part`: only indexes name it; `other`.
 */
export type ImageRole = "index" | "stale-index" | "package" | "unreadable" | "referrer" | "part" | "other";

/** Tags of referrers without an API for them, and of cosign: `sha256-<hex>`, `sha256-<hex>.sig`. */
const SUBJECT_TAG = /^sha256-([0-9a-f]{64})(?:\.[a-z0-9.-]+)?$/;

/** What a document is that no tag names. */
export function untaggedRole(
  manifest: Manifest | undefined,
  subject: Digest | undefined,
  hash: string | undefined,
): ImageRole {
  if (subject !== undefined) return "referrer";
  if (hash !== undefined) return "package";
  return manifest !== undefined && isSpackIndex(manifest) ? "stale-index" : "other";
}

/** An empty image config, and a layer that claims to be a tarball (format page, section 5). */
function isSpackIndex({ config, layers }: Manifest): boolean {
  const [layer] = layers;
  const isEmpty = config.mediaType === OCI_CONFIG && config.size === "{}".length;
  return isEmpty && layer?.mediaType === OCI_LAYER_GZIP;
}

export function listOf(hash: string | undefined): readonly string[] {
  return hash === undefined ? [] : [hash];
}

/** Undefined for an index, and for what is malformed. */
export function manifestOf(document: Document, what: string): Manifest | undefined {
  if (isIndexType(document.descriptor.mediaType)) return undefined;
  try {
    return parseManifest(document, what);
  } catch (error) {
    if (!isBrokenImage(error)) throw error;
    return undefined;
  }
}

/** What an index names; nothing if it is malformed. */
export function childrenOf(document: Document): readonly Digest[] {
  try {
    return parseImageIndex(document, document.descriptor.digest).manifests.map(({ digest }) => digest);
  } catch (error) {
    if (!isBrokenImage(error)) throw error;
    return [];
  }
}

/** What a tag of a referrer is about. */
export function subjectIn(tag: string): Digest | undefined {
  const digest = `sha256:${SUBJECT_TAG.exec(tag)?.[1] ?? ""}`;
  return isDigest(digest) ? digest : undefined;
}
