import { isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { isTag } from "../oci/reference.js";

/** A tag or digest as part of a path. @throws SpkociError INVALID_REFERENCE */
export function checkReference(reference: string): string {
  if (isDigest(reference) || isTag(reference)) return reference;
  throw new SpkociError("INVALID_REFERENCE", `not a tag or digest: ${JSON.stringify(reference.slice(0, 200))}`);
}
