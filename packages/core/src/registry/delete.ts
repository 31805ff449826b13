import { isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { checkReference } from "./reference.js";
import { RegistryError } from "./registry-error.js";
import type { RemoteRepository } from "./remote-repository.js";
import { discard } from "./transport.js";

/** Registries whose operators will not allow what can't be done there. */
const OTHER_WAYS: Readonly<Record<string, string>> = {
  "docker.io": "Docker Hub deletes only by its own API and website.",
  "ghcr.io": "GitHub deletes only by its own API: `spkoci prune` uses it with a token.",
};

/**
 * Removes a tag, or a manifest with every tag that names it (distribution-spec, Deleting tags, Deleting manifests). False if it
 * wasn't there.
 * @throws SpkociError DELETE_UNSUPPORTED where the registry doesn't delete that way
 */
export async function deleteManifest(remote: RemoteRepository, reference: string, op?: Op): Promise<boolean> {
  const what = `${isDigest(reference) ? "manifest" : "tag"} ${reference}`;
  const step = `deleting ${what} from ${remote.name}`;
  const target = `manifests/${checkReference(reference)}`;
  try {
    const response = await remote.request({ step, method: "DELETE", target, expect: [200, 202, 204, 404] }, op);
    discard(response);
    return response.status !== 404;
  } catch (error) {
    if (!isUnsupported(error, reference)) throw error;
    throw new SpkociError("DELETE_UNSUPPORTED", `${remote.name} refuses to delete ${what}: ${error.message}`, {
      hint:
        OTHER_WAYS[remote.client.registry] ??
        "Have the registry's operator allow deletion (docker-registry: storage.delete.enabled), or delete by its own means.",
      cause: error,
    });
  }
}

/** Docker's registry takes a tag for a wrong digest: 400 DIGEST_INVALID. */
function isUnsupported(error: unknown, reference: string): error is RegistryError {
  if (!(error instanceof RegistryError)) return false;
  if (error.status === 405) return true;
  return error.status === 400 && (!isDigest(reference) || error.errors.some(({ code }) => code === "UNSUPPORTED"));
}
