import type { Digest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { collect } from "../base/streams.js";
import type { CacheSource } from "../catalog/cache-source.js";
import { parseCachedSpec } from "../catalog/cached-spec.js";
import { type ExistingImage, readExistingImage } from "../image/existing-image.js";
import type { Descriptor } from "../oci/descriptor.js";
import { CONFIG_LIMIT, parseImageConfig } from "../oci/image-config.js";
import { parseManifest } from "../oci/manifest.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import type { SpecFile } from "../spack/spec-file.js";
import { packageTag } from "../spack/tag.js";
import { creationTime } from "./creation-time.js";

/** What the image of a package says of itself, without its layers having been read. */
export interface PackageImage {
  /** Digest of the manifest. */
  readonly digest: Digest;
  /** Bytes of manifest and config. */
  readonly documentSize: number;
  /** In the image's order; the last one is the package's own. */
  readonly layers: readonly Descriptor[];
  /** When the package was pushed or made, ISO 8601 in UTC; undefined if the image doesn't say. */
  readonly created: string | undefined;
}

/**
 * The image of a package that a cache's index names: one request, and one more for the config of an image that spkoci didn't write.
 * @throws SpkociError IMAGE_NOT_FOUND, BLOB_NOT_FOUND, DOCUMENT_INVALID, or DAG_HASH_MISMATCH for the image of another package
 */
export async function readPackageImage(source: CacheSource, spec: ConcreteSpec, op: Op): Promise<PackageImage> {
  const tag = packageTag(spec);
  const image = await readImage(source, tag, op);
  if (image.existing.dagHash !== spec.hash) {
    const holds = image.existing.dagHash === undefined ? "no package" : `/${image.existing.dagHash}`;
    throw new SpkociError(
      "DAG_HASH_MISMATCH",
      `${source.imageAt(tag)} holds ${holds}, not ${labelOf(spec)}/${spec.hash}`,
    );
  }
  return describe(image);
}

/**
 * The image that a tag names, and the spec in its config with those of its dependencies.
 * @throws SpkociError as `readPackageImage` does, and SPEC_INVALID
 */
export async function readTaggedImage(
  source: CacheSource,
  tag: string,
  op: Op,
): Promise<{ readonly image: PackageImage; readonly spec: SpecFile }> {
  const image = await readImage(source, tag, op);
  const what = `the config of ${source.imageAt(tag)}`;
  const spec = parseCachedSpec((await image.readConfig()).toString("utf8"), what);
  if (packageTag(spec.root) !== tag) {
    const label = `${labelOf(spec.root)}/${spec.root.hash}`;
    throw new SpkociError("DAG_HASH_MISMATCH", `${source.imageAt(tag)} holds ${label}, whose tag is another`);
  }
  return { image: describe(image), spec };
}

interface ReadImage {
  readonly existing: ExistingImage;
  /** The config's bytes, which are fetched once. */
  readonly readConfig: () => Promise<Buffer>;
}

async function readImage(source: CacheSource, tag: string, op: Op): Promise<ReadImage> {
  const what = source.imageAt(tag);
  const document = await source.store.read(tag, op);
  if (document === undefined) {
    throw new SpkociError("IMAGE_NOT_FOUND", `the index names ${what}, which isn't there`);
  }
  const { config } = parseManifest(document, what);
  let bytes: Promise<Buffer> | undefined;
  const readConfig = (): Promise<Buffer> => {
    bytes ??= fetchConfig(source, config, what, op);
    return bytes;
  };
  const existing = await readExistingImage(document, what, async () => parseImageConfig(await readConfig(), what));
  if (existing.own === undefined) throw new SpkociError("DOCUMENT_INVALID", `${what} has no layer of a package`);
  return { existing, readConfig };
}

async function fetchConfig({ store }: CacheSource, config: Descriptor, what: string, op: Op): Promise<Buffer> {
  return collect(await store.open(config, op), CONFIG_LIMIT, `the config of ${what}`);
}

function describe({ existing }: ReadImage): PackageImage {
  const { manifest, document, config } = existing;
  return {
    digest: document.descriptor.digest,
    documentSize: document.descriptor.size + manifest.config.size,
    layers: manifest.layers,
    created: creationTime(existing, config),
  };
}
