import type { Digest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { type RetryPolicy, withRetry } from "../base/retry.js";
import { type Document, documentOf, jsonDocument } from "../oci/document.js";
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST } from "../oci/media-type.js";
import { blobOf, type Store } from "../oci/store.js";
import { INDEX_TAG } from "../spack/tag.js";
import { type CacheIndex, countPackages, formatCacheIndex, INDEX_LIMIT } from "./index-document.js";
import { type IndexChange, type IndexEntry, mergeIndex } from "./merge-index.js";
import { readIndex } from "./read-index.js";

export interface WrittenIndex {
  /** Digest of the manifest that the index tag names. */
  readonly digest: Digest;
  /** Packages that the index says are in the cache. */
  readonly packages: number;
}

const PATIENCE: RetryPolicy = { attempts: 8, baseMs: 200, maxMs: 5_000 };

/** Another writer moved the tag meanwhile. */
class Overtaken extends Error {}

/** Names packages in the cache's index, as `changeIndex` does. Their own tags must be there. */
export async function addToIndex(
  store: Store,
  entries: readonly IndexEntry[],
  op?: Op,
  patience: RetryPolicy = PATIENCE,
): Promise<WrittenIndex | undefined> {
  return changeIndex(store, { add: entries }, op, patience);
}

/**
 * Changes the cache's index and moves its tag to the result. If another writer was there meanwhile, the change is made
 * again on top of theirs. Nothing is written if the index says all of it already. The tags of packages that are added must
 * be there. Undefined if nothing is added and there is no index.
 * @throws SpkociError INDEX_BUSY if other writers keep moving the tag, and what reading the index throws.
 */
export async function changeIndex(
  store: Store,
  change: IndexChange,
  op?: Op,
  patience: RetryPolicy = PATIENCE,
): Promise<WrittenIndex | undefined> {
  try {
    return await withRetry(
      `the index of ${store.name}`,
      () => tryToChange(store, change, op),
      (error) => (error instanceof Overtaken ? { retry: true, reason: error.message } : { retry: false }),
      patience,
      op,
    );
  } catch (error) {
    if (!(error instanceof Overtaken)) throw error;
    throw new SpkociError("INDEX_BUSY", `the index of ${store.name} is being written by others all the time`, {
      hint: "The packages themselves are pushed. Push again later to name them in the index.",
    });
  }
}

async function tryToChange(store: Store, change: IndexChange, op: Op | undefined): Promise<WrittenIndex | undefined> {
  const before = await readIndex(store, op);
  const { index, changed } = mergeIndex(before.index, change);
  const packages = countPackages(index);
  if (!changed) return before.digest && { digest: before.digest, packages };
  const { config, content, manifest } = indexDocuments(index, store.name);
  await store.put(blobOf(config), op);
  await store.put(blobOf(content), op);
  await expectTag(store, before.digest, op);
  await store.write(manifest, { tag: INDEX_TAG }, op);
  const { digest } = manifest.descriptor;
  await expectTag(store, digest, op);
  return { digest, packages };
}

async function expectTag(store: Store, digest: Digest | undefined, op: Op | undefined): Promise<void> {
  const now = await store.resolve(INDEX_TAG, op);
  if (now?.digest !== digest) throw new Overtaken("another writer changed it");
}

/**
 * What Spack writes: an empty config, and the index as a layer whose media type says gzip although it is plain (format
 * page, section 5).
 */
function indexDocuments(
  index: CacheIndex,
  name: string,
): { readonly config: Document; readonly content: Document; readonly manifest: Document } {
  const bytes = Buffer.from(formatCacheIndex(index));
  if (bytes.length > INDEX_LIMIT) {
    throw new SpkociError("DOCUMENT_TOO_LARGE", `the index of ${name} would be larger than ${INDEX_LIMIT} bytes`);
  }
  const config = jsonDocument(OCI_CONFIG, {});
  const content = documentOf(OCI_LAYER_GZIP, bytes);
  const manifest = jsonDocument(OCI_MANIFEST, {
    mediaType: OCI_MANIFEST,
    schemaVersion: 2,
    config: named(config),
    layers: [named(content)],
  });
  return { config, content, manifest };
}

function named({ descriptor }: Document): {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
} {
  return { mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size };
}
