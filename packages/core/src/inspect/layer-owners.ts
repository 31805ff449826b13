import { mapConcurrently } from "../base/concurrency.js";
import type { Digest } from "../base/digest.js";
import type { Op } from "../base/op.js";
import { isBrokenImage } from "../catalog/broken-image.js";
import type { CacheSource } from "../catalog/cache-source.js";
import type { ExistingImage } from "../image/existing-image.js";
import type { Descriptor } from "../oci/descriptor.js";
import { parseManifest } from "../oci/manifest.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { packageTag } from "../spack/tag.js";

/** A layer, and whose it is. */
export interface OwnedLayer {
  readonly descriptor: Descriptor;
  readonly kind: "package" | "base" | "unknown";
  /** DAG hash of a package layer's package. */
  readonly hash?: string | undefined;
}

const IMAGES_AT_ONCE = 8;

/**
 * Whose each layer of a package's image is. spkoci's images say it; Spack's don't, so there the images of the dependencies are asked for
 * their own layers, a request each.
 * @param needed the packages without external ones that the image's package reaches by link and run edges
 * @param hashes what the cache has
 */
export async function findOwners(
  image: ExistingImage,
  needed: readonly ConcreteSpec[],
  hashes: ReadonlySet<string>,
  source: CacheSource,
  op: Op,
): Promise<OwnedLayer[]> {
  const owners = new Map<Digest, string>();
  for (const { descriptor, dagHash } of image.packageLayers) owners.set(descriptor.digest, dagHash);
  const others = image.byUs ? [] : needed.filter(({ hash }) => hash !== image.dagHash);
  const there = others.filter(({ hash }) => hashes.has(hash));
  const layers = await mapConcurrently(
    there,
    IMAGES_AT_ONCE,
    (spec, signal) => readOwnLayer(source, packageTag(spec), { ...op, signal }),
    op.signal,
  );
  for (const [at, digest] of layers.entries()) {
    const hash = there[at]?.hash;
    if (digest !== undefined && hash !== undefined) owners.set(digest, hash);
  }
  const isComplete = image.byUs || (there.length === others.length && !layers.includes(undefined));
  return image.manifest.layers.map((descriptor) => {
    const hash = owners.get(descriptor.digest);
    return { descriptor, hash, kind: hash !== undefined ? "package" : isComplete ? "base" : "unknown" };
  });
}

/** Digest of the last layer of a package's image; undefined if there is no sound image. */
async function readOwnLayer({ store }: CacheSource, tag: string, op: Op): Promise<Digest | undefined> {
  try {
    const document = await store.read(tag, op);
    return document && parseManifest(document, `${store.name}:${tag}`).layers.at(-1)?.digest;
  } catch (error) {
    if (!isBrokenImage(error)) throw error;
    return undefined;
  }
}
