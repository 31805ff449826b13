import type { Digest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { parseImageIndex, parseManifest } from "../oci/manifest.js";
import { isIndexType, isManifestType } from "../oci/media-type.js";
import type { Store } from "../oci/store.js";

/** An image with everything that it is made of. */
export interface ImageGraph {
  /** Manifests and indexes, each after those that it names; the image itself is the last. */
  readonly documents: readonly Document[];
  /** Configs, layers and other content, each once. */
  readonly blobs: readonly Descriptor[];
}

/** How deep indexes may be within indexes. */
const DEPTH_LIMIT = 8;
/** Manifests and indexes of one image. */
const DOCUMENTS_LIMIT = 1000;

/**
 * Reads the manifests and indexes of an image. Layers that must not be distributed and say where they are to be had (`urls`) are no
 * part of it, as for other tools that copy images.
 * @throws SpkociError IMAGE_NOT_FOUND if the source lacks one of them; DOCUMENT_INVALID
 */
export async function readImageGraph(store: Store, root: Document, op: Op): Promise<ImageGraph> {
  const documents = new Map<Digest, Document>();
  const blobs = new Map<Digest, Descriptor>();
  const visit = async (document: Document, depth: number): Promise<void> => {
    const { digest, mediaType } = document.descriptor;
    if (documents.has(digest)) return;
    const what = `${digest} of ${store.name}`;
    if (depth > DEPTH_LIMIT || documents.size >= DOCUMENTS_LIMIT) {
      throw new SpkociError("DOCUMENT_INVALID", `${root.descriptor.digest} of ${store.name} holds too many manifests`);
    }
    if (isIndexType(mediaType)) {
      for (const child of parseImageIndex(document, what).manifests) {
        const inner = isDocument(child) ? await readChild(store, child, what, op) : undefined;
        if (inner === undefined) blobs.set(child.digest, child);
        else await visit(inner, depth + 1);
      }
    } else {
      const { config, layers } = parseManifest(document, what);
      for (const blob of [config, ...layers]) if (isDistributable(blob)) blobs.set(blob.digest, blob);
    }
    documents.set(digest, document);
  };
  await visit(root, 0);
  return { documents: [...documents.values()], blobs: [...blobs.values()] };
}

function isDocument({ mediaType }: Descriptor): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType);
}

async function readChild(store: Store, { digest }: Descriptor, what: string, op: Op): Promise<Document> {
  const document = await store.read(digest, op);
  if (document !== undefined) return document;
  throw new SpkociError("IMAGE_NOT_FOUND", `${what} names the manifest ${digest}, which isn't there`, {
    hint: "The image is incomplete where it comes from, so it can't be copied as it is.",
  });
}

/** Whether a blob is to be copied (image-spec, layer.md, Non-Distributable Layers). */
function isDistributable({ mediaType, urls = [] }: Descriptor): boolean {
  return urls.length === 0 || !/nondistributable|foreign/.test(mediaType);
}
