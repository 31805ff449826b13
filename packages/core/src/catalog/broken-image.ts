import type { ErrorCode } from "../base/error-codes.js";
import { SpkociError } from "../base/errors.js";

const BROKEN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "DOCUMENT_INVALID",
  "DOCUMENT_TOO_LARGE",
  "SPEC_INVALID",
  "DAG_HASH_MISMATCH",
  "IMAGE_NOT_FOUND",
  "BLOB_NOT_FOUND",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
]);

/** Whether an error is of one image, so that the others of the cache can be read all the same. */
export function isBrokenImage(error: unknown): error is SpkociError {
  return error instanceof SpkociError && BROKEN.has(error.code);
}
