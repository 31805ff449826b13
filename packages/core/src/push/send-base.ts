import { mapConcurrently } from "../base/concurrency.js";
import type { Op } from "../base/op.js";
import { mountSource } from "../location/mount-source.js";
import type { Location } from "../location/parse-location.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Store } from "../oci/store.js";
import { copyBlob } from "../store/copy.js";
import type { OpenBase } from "./context.js";

const AT_ONCE = 4;

/**
 * Brings the base image's layers to the target: mounted where both are repositories of one registry, else streamed without a local
 * file. Layers that may not be distributed stay where they are (image-spec, layer.md).
 * @returns bytes sent
 */
export async function sendBase(base: OpenBase, target: Store, location: Location, op: Op): Promise<number> {
  const layers = new Map(base.image.manifest.layers.filter(isDistributable).map((layer) => [layer.digest, layer]));
  const from = mountSource(base.location, location);
  const sent = await mapConcurrently(
    layers.values(),
    AT_ONCE,
    (layer, signal) => sendBaseLayer(base.store, target, layer, from, { ...op, signal }),
    op.signal,
  );
  return sent.reduce((sum, bytes) => sum + bytes, 0);
}

async function sendBaseLayer(
  from: Store,
  target: Store,
  layer: Descriptor,
  mountFrom: string | undefined,
  op: Op,
): Promise<number> {
  if (mountFrom !== undefined && target.mount !== undefined) {
    if ((await target.has(layer, op)) || (await target.mount(layer, mountFrom, op))) return 0;
  }
  return copyBlob(from, target, layer, op);
}

function isDistributable(layer: Descriptor): boolean {
  return !/nondistributable|foreign/.test(layer.mediaType);
}
