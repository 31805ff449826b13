import type { Digest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { collect } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import { type Manifest, parseManifest } from "../oci/manifest.js";
import type { Store } from "../oci/store.js";
import { INDEX_TAG } from "../spack/tag.js";
import { isBrokenImage } from "./broken-image.js";
import { type CacheIndex, EMPTY_INDEX, INDEX_LIMIT, parseCacheIndex, REBUILD } from "./index-document.js";

export interface ReadIndex {
  readonly index: CacheIndex;
  /** Digest of the manifest that the index tag names; undefined if the cache has no index yet. */
  readonly digest: Digest | undefined;
  /** That manifest. Its first layer is the index. */
  readonly manifest: Manifest | undefined;
}

/**
 * The index of a cache; an empty one if it has none.
 * @throws SpkociError DOCUMENT_INVALID or DOCUMENT_TOO_LARGE if what the tag names is no index, BLOB_NOT_FOUND if its
 *   content is missing, DIGEST_MISMATCH or SIZE_MISMATCH if that is damaged.
 */
export async function readIndex(store: Store, op?: Op): Promise<ReadIndex> {
  const document = await store.read(INDEX_TAG, op);
  if (!document) return { index: EMPTY_INDEX, digest: undefined, manifest: undefined };
  const what = `the index of ${store.name}`;
  const manifest = parseManifest(document, what);
  const [layer] = manifest.layers;
  if (!layer) throw new SpkociError("DOCUMENT_INVALID", `${what} has no content`);
  if (layer.size > INDEX_LIMIT)
    throw new SpkociError("DOCUMENT_TOO_LARGE", `${what} is larger than ${INDEX_LIMIT} bytes`);
  const index = parseCacheIndex(await readContent(store, layer, what, op), what);
  return { index, digest: document.descriptor.digest, manifest };
}

async function readContent(store: Store, layer: Descriptor, what: string, op: Op | undefined): Promise<string> {
  try {
    return (await collect(await store.open(layer, op), INDEX_LIMIT, what)).toString("utf8");
  } catch (error) {
    if (!isBrokenImage(error)) throw error;
    throw new SpkociError(error.code, `${what} can't be read: ${error.message}`, { hint: REBUILD, cause: error });
  }
}

/** The index, or in place of one that can't be read an empty one, to be written over it. */
export async function readIndexToReplace(store: Store, op?: Op): Promise<ReadIndex> {
  try {
    return await readIndex(store, op);
  } catch (error) {
    if (!isBrokenImage(error)) throw error;
    const { digest } = (await store.resolve(INDEX_TAG, op)) ?? {};
    return { index: EMPTY_INDEX, digest, manifest: undefined };
  }
}
