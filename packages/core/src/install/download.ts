import { PassThrough, type Readable } from "node:stream";
import type { Op } from "../base/op.js";
import { counted } from "../base/streams.js";
import type { LocatedPackage } from "../catalog/locate-package.js";
import type { Store } from "../oci/store.js";

/** A layer on its way: `stream` is read by the unpacker, `cached` settles when the local cache has the layer. */
export interface Download {
  readonly stream: Readable;
  readonly cached: Promise<void>;
  /** False if the bytes come from the local cache. */
  readonly fetched: boolean;
}

/**
 * Opens a package's layer; `onBytes` hears of what comes from the source. The layer is checked for digest and size while it is read. What the local cache lacks goes into it on the way, at the pace
 * of the slower of the two readers; a failure of either ends both.
 */
export async function openLayer(
  { source, layer }: LocatedPackage,
  cache: Store | undefined,
  onBytes: (bytes: number) => void,
  op: Op,
): Promise<Download> {
  if (cache === undefined) {
    return { stream: counted(await source.store.open(layer, op), onBytes), cached: Promise.resolve(), fetched: true };
  }
  if (await cache.has(layer, op)) {
    return { stream: await cache.open(layer, op), cached: Promise.resolve(), fetched: false };
  }
  const incoming = counted(await source.store.open(layer, op), onBytes);
  const [stream, copy] = [new PassThrough(), new PassThrough()];
  const cached = cache.put({ descriptor: layer, open: async () => copy, isChecked: true }, op);
  tee(incoming, stream, copy);
  // Somebody else may have brought the layer into the cache meanwhile: then nobody reads the copy.
  cached.then(
    () => copy.resume(),
    (error: Error) => incoming.destroy(error),
  );
  return { stream, cached, fetched: true };
}

function tee(from: Readable, ...to: readonly PassThrough[]): void {
  const fail = (error?: Error | null): void => {
    from.destroy();
    for (const one of to) one.destroy(error ?? undefined);
  };
  from.once("error", fail);
  for (const one of to) {
    one.once("close", () => {
      if (!one.readableEnded) fail(one.errored);
    });
    one.on("error", fail);
    from.pipe(one);
  }
}
