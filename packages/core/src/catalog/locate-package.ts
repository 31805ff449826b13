import { mapConcurrently } from "../base/concurrency.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { parseManifest } from "../oci/manifest.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import { packageTag } from "../spack/tag.js";
import type { CacheSource } from "./cache-source.js";
import { type CachedSpec, checkIdentity, readCachedSpec } from "./cached-spec.js";

/** A package's image in a cache, its spec checked against the DAG hash. */
export interface LocatedPackage {
  readonly spec: CachedSpec;
  readonly source: CacheSource;
  readonly tag: string;
  readonly document: Document;
  /** The package's own layer, the image's last one. */
  readonly layer: Descriptor;
}

/**
 * Finds a package by its tag in the first source that has it; undefined if none has.
 * @throws SpkociError DOCUMENT_INVALID, SPEC_INVALID, DAG_HASH_MISMATCH for an image that is not the package
 */
async function locatePackage(
  sources: readonly CacheSource[],
  wanted: Pick<ConcreteSpec, "name" | "version" | "hash">,
  op: Op,
): Promise<LocatedPackage | undefined> {
  const tag = packageTag(wanted);
  for (const source of sources) {
    const document = await source.store.read(tag, op);
    if (document === undefined) continue;
    const what = source.imageAt(tag);
    const manifest = parseManifest(document, what);
    const layer = manifest.layers.at(-1);
    if (layer === undefined) throw new SpkociError("DOCUMENT_INVALID", `${what} has no layer`);
    const spec = await readCachedSpec(source.store, manifest, tag, op);
    checkIdentity(spec, wanted.hash, what);
    return { spec, source, tag, document, layer };
  }
  return undefined;
}

/**
 * All of `specs`, in their order.
 * @throws SpkociError SPEC_NOT_FOUND that names those which no source has
 */
export async function locateAll(
  sources: readonly CacheSource[],
  specs: readonly ConcreteSpec[],
  concurrency: number,
  op: Op,
): Promise<LocatedPackage[]> {
  const found = await mapConcurrently(
    specs,
    concurrency,
    (spec, signal) => locatePackage(sources, spec, { ...op, signal }),
    op.signal,
  );
  const missing = specs.filter((_, at) => found[at] === undefined);
  if (missing.length === 0) return found as LocatedPackage[];
  const names = missing.map((spec) => `${labelOf(spec)}/${spec.hash.slice(0, 7)}`).join(", ");
  throw new SpkociError("SPEC_NOT_FOUND", `no source has ${names}`, {
    hint: "Push them to the cache, or name another source that has them.",
  });
}
