import { type Digest, isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { formatJson, parseJson } from "../base/json.js";
import type { Op } from "../base/op.js";
import { collect } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import { type Document, documentOf } from "../oci/document.js";
import type { Store } from "../oci/store.js";

/** Media type of the layer behind the index that remembers manifests; Spack reads the first layer only. */
export const SEEN_TAGS: string = "application/vnd.spkoci.index.manifests.v1+json";

/** What an index was made from: package tags and the manifests that they led to. */
export interface SeenTags {
  /** Digest of the manifest that each tag named when it was read, whether that is a package or not. */
  readonly tags: ReadonlyMap<string, Digest>;
  /** A rebuild of the whole index was begun: packages that are not in `tags` have not been looked at since. */
  readonly rebuilding: boolean;
}

/** What changes about them. */
export interface SeenChange {
  /** Digest by tag; undefined forgets the tag. */
  readonly tags?: ReadonlyMap<string, Digest | undefined>;
  readonly rebuilding?: boolean;
}

export const NOTHING_SEEN: SeenTags = { tags: new Map(), rebuilding: false };

const LIMIT = 200 * 1024 * 1024;

/** What the index with these layers remembers; nothing if it has no such layer, or one that can't be read. */
export async function readSeenTags(store: Store, layers: readonly Descriptor[], op?: Op): Promise<SeenTags> {
  const layer = layers.find(({ mediaType }) => mediaType === SEEN_TAGS);
  if (layer === undefined || layer.size > LIMIT) return NOTHING_SEEN;
  const what = `what the index of ${store.name} was made from`;
  try {
    const bytes = await collect(await store.open(layer, op), LIMIT, what);
    return parseSeenTags(parseJson(bytes.toString("utf8"), what));
  } catch (error) {
    if (!(error instanceof SpkociError) || !FORGOTTEN.has(error.code)) throw error;
    return NOTHING_SEEN;
  }
}

/** A memory that is damaged is none. */
const FORGOTTEN: ReadonlySet<string> = new Set([
  "BLOB_NOT_FOUND",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
  "DOCUMENT_INVALID",
  "DOCUMENT_TOO_LARGE",
]);

/** `{"version":1,"rebuilding":true,"tags":{TAG:DIGEST}}`; members of another form are passed over. */
function parseSeenTags(value: unknown): SeenTags {
  const { version, rebuilding, tags } = (value ?? {}) as Partial<Record<string, unknown>>;
  if (version !== 1 || typeof tags !== "object" || tags === null) return NOTHING_SEEN;
  const known = Object.entries(tags).filter((entry): entry is [string, Digest] => isDigest(String(entry[1])));
  return { tags: new Map(known), rebuilding: rebuilding === true };
}

/** What is remembered after a change; `before` itself if that changes nothing. */
export function changeSeenTags(before: SeenTags, change: SeenChange): SeenTags {
  const tags = new Map(before.tags);
  let changed = change.rebuilding !== undefined && change.rebuilding !== before.rebuilding;
  for (const [tag, digest] of change.tags ?? []) {
    if (tags.get(tag) === digest) continue;
    changed = true;
    if (digest === undefined) tags.delete(tag);
    else tags.set(tag, digest);
  }
  return changed ? { tags, rebuilding: change.rebuilding ?? before.rebuilding } : before;
}

export function seenTagsDocument({ tags, rebuilding }: SeenTags): Document {
  const sorted = [...tags].sort(([a], [b]) => (a < b ? -1 : 1));
  const text = formatJson({ version: 1, ...(rebuilding && { rebuilding }), tags: Object.fromEntries(sorted) });
  return documentOf(SEEN_TAGS, Buffer.from(text));
}
