import { SpkociError } from "../base/errors.js";
import { verifyBytes } from "../base/streams.js";
import type { Document } from "../oci/document.js";
import { MANIFEST_LIMIT } from "../oci/store.js";

/**
 * What every store checks before it takes a manifest or index.
 * @throws SpkociError DOCUMENT_TOO_LARGE, SIZE_MISMATCH, DIGEST_MISMATCH
 */
export function checkDocument(document: Document): void {
  const { digest, size } = document.descriptor;
  if (Math.max(size, document.bytes.length) > MANIFEST_LIMIT) {
    throw new SpkociError("DOCUMENT_TOO_LARGE", `manifest ${digest} is larger than ${MANIFEST_LIMIT} bytes`);
  }
  verifyBytes(document.bytes, document.descriptor, `manifest ${digest}`);
}
