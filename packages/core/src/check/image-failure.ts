import type { ErrorCode } from "../base/error-codes.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { isBrokenImage } from "../catalog/broken-image.js";
import type { Store } from "../oci/store.js";
import { INDEX_TAG } from "../spack/tag.js";

/** Errors that may be of one image, or of the whole place. */
const DOUBTFUL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "INVALID_REFERENCE",
  "REGISTRY_PROTOCOL",
  "REGISTRY_REJECTED",
  "STORAGE_FAILED",
]);

/**
 * The error, if it is of what was read and not of the whole cache; anything else is thrown. Registries answer 500 for a manifest that
 * is damaged, and disks fail in places: if something else can be read, it is no more than that.
 */
export async function imageFailure(error: unknown, store: Store, op: Op): Promise<SpkociError> {
  op.signal?.throwIfAborted();
  if (isBrokenImage(error)) return error;
  if (!(error instanceof SpkociError) || !DOUBTFUL.has(error.code)) throw error;
  try {
    await store.resolve(INDEX_TAG, op);
    return error;
  } catch {
    throw error;
  }
}
