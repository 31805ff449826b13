import type { Op } from "../base/op.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { BlobSource, Store } from "../oci/store.js";

/**
 * Makes a blob of one store be in another, as a stream without a local file; a target that tries again reads the source again.
 * Returns the bytes sent, 0 if the target had the blob or was getting it from somebody else already.
 * @throws SpkociError BLOB_NOT_FOUND if neither has it, and whatever the two stores throw.
 */
export async function copyBlob(from: Store, to: Store, blob: Descriptor, op?: Op): Promise<number> {
  let sent = 0;
  const source: BlobSource = {
    descriptor: blob,
    open: (inner) => {
      sent = blob.size;
      return from.open(blob, inner);
    },
  };
  await to.put(source, op);
  return sent;
}
