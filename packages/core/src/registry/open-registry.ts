import { isDigest } from "../base/digest.js";
import type { Op } from "../base/op.js";
import type { Repository } from "../oci/reference.js";
import { readReferrer } from "../oci/referrer.js";
import type { Store } from "../oci/store.js";
import type { RegistryAccess } from "./access.js";
import { RemoteBlobs } from "./blobs.js";
import { clientOf } from "./client.js";
import { deleteManifest } from "./delete.js";
import { openBlob } from "./download.js";
import { readManifest, resolveManifest, writeManifest } from "./manifests.js";
import { RemoteReferrers } from "./referrers.js";
import { unknownBlobsOf } from "./registry-error.js";
import { RemoteRepository } from "./remote-repository.js";
import { listTags } from "./tags.js";

/**
 * A repository of a registry as a Store (distribution-spec 1.1). Nothing is sent before the first call.
 * Its calls throw RegistryErrors with code AUTHENTICATION_REQUIRED, ACCESS_DENIED or REGISTRY_*, and SpkociErrors with DIGEST_MISMATCH,
 * SIZE_MISMATCH, DOCUMENT_INVALID, DOCUMENT_TOO_LARGE, INVALID_REFERENCE and CREDENTIALS_UNREADABLE. After a `write` that failed
 * because of missing blobs (`unknownBlobsOf`), `put` looks again for every blob.
 * @throws SpkociError INVALID_CONFIG if `access.ca` can't be read
 */
export function openRegistry(repository: Repository, access: RegistryAccess = {}): Store {
  const remote = new RemoteRepository(repository, clientOf(repository.registry, access));
  const blobs = new RemoteBlobs(remote);
  const referrers = new RemoteReferrers(remote);
  return {
    name: remote.name,
    has: (blob, op) => blobs.has(blob, op),
    open: (blob, op) => openBlob(remote, blob, op),
    put: (blob, op) => blobs.put(blob, op),
    putGrowing: (blob, op) => blobs.putGrowing(blob, op),
    mount: (blob, from, op) => blobs.mount(blob, from, op),
    resolve: (reference, op) => resolveManifest(remote, reference, op),
    read: (reference, op) => readManifest(remote, reference, op),
    write: async (document, options = {}, op) => {
      const referrer = readReferrer(document);
      let isNoted: boolean;
      try {
        isNoted = await writeManifest(remote, document, options, op);
      } catch (error) {
        if (unknownBlobsOf(error)) blobs.forget();
        throw error;
      }
      if (referrer && !(isNoted && (await referrers.hasApi(referrer.subject, op)))) await referrers.add(referrer, op);
    },
    delete: async (reference, op) => {
      const isOurs = isDigest(reference) && !(await referrers.hasApi(reference, op));
      const document = isOurs ? await readManifest(remote, reference, op) : undefined;
      const referrer = document && readReferrer(document);
      const deleted = await deleteManifest(remote, reference, op);
      if (referrer) await referrers.remove(referrer, op);
      return deleted;
    },
    referrers: (digest, op) => referrers.list(digest, op),
    tags: (op?: Op) => listTags(remote, op),
  };
}
