import { SpkociError } from "../base/errors.js";
import type { JsonValue } from "../base/json.js";
import type { Descriptor } from "../oci/descriptor.js";
import { type Document, documentOf, jsonDocument } from "../oci/document.js";
import type { Manifest } from "../oci/manifest.js";
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST } from "../oci/media-type.js";
import { type CacheIndex, formatCacheIndex, INDEX_LIMIT } from "./index-document.js";
import { SEEN_TAGS, type SeenTags, seenTagsDocument } from "./seen-tags.js";

/** What an index consists of at a registry. */
export interface IndexDocuments {
  /** To be put before the manifest. */
  readonly blobs: readonly Document[];
  readonly manifest: Document;
}

/**
 * What Spack writes: an empty config, and the index as a layer whose media type says gzip although it is plain (format
 * page, section 5). Further layers and members of the manifest `before` stay; of the layers, what was seen is replaced
 * where `seen` is given.
 * @throws SpkociError DOCUMENT_TOO_LARGE that names `what`
 */
export function indexDocuments(
  index: CacheIndex,
  before: Manifest | undefined,
  seen: SeenTags | undefined,
  what: string,
): IndexDocuments {
  const bytes = Buffer.from(formatCacheIndex(index));
  if (bytes.length > INDEX_LIMIT) {
    throw new SpkociError("DOCUMENT_TOO_LARGE", `${what} would be larger than ${INDEX_LIMIT} bytes`);
  }
  const config = jsonDocument(OCI_CONFIG, {});
  const content = documentOf(OCI_LAYER_GZIP, bytes);
  const memory = seen && seenTagsDocument(seen);
  const { mediaType: _type, schemaVersion: _version, config: _config, layers = [], ...others } = before ?? {};
  const further = layers.slice(1).filter(({ mediaType }) => memory === undefined || mediaType !== SEEN_TAGS);
  const manifest = jsonDocument(OCI_MANIFEST, {
    mediaType: OCI_MANIFEST,
    schemaVersion: 2,
    config: named(config.descriptor),
    layers: [
      named(content.descriptor),
      ...(further as unknown as JsonValue[]),
      ...(memory ? [named(memory.descriptor)] : []),
    ],
    ...(others as Record<string, JsonValue>),
  });
  return { blobs: memory ? [config, content, memory] : [config, content], manifest };
}

function named({ mediaType, digest, size }: Descriptor): JsonValue {
  return { mediaType, digest, size };
}
