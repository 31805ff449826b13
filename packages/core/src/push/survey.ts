import { mapConcurrently } from "../base/concurrency.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { collect } from "../base/streams.js";
import { type ExistingImage, readExistingImage } from "../image/existing-image.js";
import type { Descriptor } from "../oci/descriptor.js";
import { CONFIG_LIMIT, type ImageConfig, parseImageConfig } from "../oci/image-config.js";
import { isManifestType } from "../oci/media-type.js";
import type { Store } from "../oci/store.js";
import type { InstallRecord } from "../spack/install-store.js";
import { packageTag } from "../spack/tag.js";

/** A package's image in the target, with the package's own layer known. */
export type PackageImage = ExistingImage & { readonly own: NonNullable<ExistingImage["own"]> };

/**
 * What the target has of `records`, by DAG hash: one request a package, two for images without spkoci's annotations. An image that
 * can't be read, or is of something else than its tag says, counts as absent and is told of in a warning.
 */
export async function surveyTarget(
  target: Store,
  records: readonly InstallRecord[],
  concurrency: number,
  op: Op,
): Promise<Map<string, PackageImage>> {
  const found = new Map<string, PackageImage>();
  await mapConcurrently(
    records,
    concurrency,
    async (record, signal) => {
      const image = await readPackageImage(target, record, { ...op, signal });
      if (image) found.set(record.spec.hash, image);
    },
    op.signal,
  );
  return found;
}

async function readPackageImage(target: Store, record: InstallRecord, op: Op): Promise<PackageImage | undefined> {
  const tag = packageTag(record.spec);
  try {
    const document = await target.read(tag, op);
    if (document === undefined) return undefined;
    if (!isManifestType(document.descriptor.mediaType)) return ignore(tag, "is not an image manifest", op);
    const image = await readExistingImage(document, `${target.name}:${tag}`, (config) =>
      readConfig(target, config, op),
    );
    if (image.own === undefined || image.dagHash !== record.spec.hash)
      return ignore(tag, "is not an image of this package", op);
    return { ...image, own: image.own };
  } catch (error) {
    if (error instanceof SpkociError && UNREADABLE.has(error.code))
      return ignore(tag, `can't be read (${error.message})`, op);
    throw error;
  }
}

/** Errors that are about the image and not about reaching it. */
const UNREADABLE: ReadonlySet<string> = new Set([
  "DOCUMENT_INVALID",
  "DOCUMENT_TOO_LARGE",
  "BLOB_NOT_FOUND",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
]);

function ignore(tag: string, why: string, op: Op): undefined {
  op.emit?.({ type: "warning", message: `the tag ${tag} ${why}; the package is pushed anew` });
}

/** The config of an image, checked against its descriptor. */
export async function readConfig(store: Store, config: Descriptor, op: Op): Promise<ImageConfig> {
  const what = `config ${config.digest} of ${store.name}`;
  return parseImageConfig(await collect(await store.open(config, op), CONFIG_LIMIT, what), what);
}
