import type { ImageConfig } from "../oci/image-config.js";
import type { Manifest } from "../oci/manifest.js";
import type { CheckContext } from "./context.js";
import type { Report } from "./findings.js";
import { judgeConfig, judgeMediaTypes } from "./judge-image.js";
import { imageConfigOf, type ReadConfig } from "./read-image.js";

/** Layers that a registry need not have (image-spec, layer.md, Non-Distributable Layers; Docker calls them foreign). */
const ELSEWHERE = /\.(?:nondistributable|foreign)\./;

/** Layers of container images; an artifact's may be anything. */
const TAR = /\.tar(?:[+.](?:gzip|zstd))?$/;

/** Checks a container image by its manifest and config, and notes its layers for later. */
export function judgeAndNoteImage(
  tag: string,
  manifest: Manifest,
  config: ReadConfig,
  context: CheckContext,
  report: Report,
): ImageConfig | undefined {
  judgeMediaTypes(manifest, report);
  const image = imageConfigOf(config, report);
  if (image) judgeConfig(manifest, image, report);
  noteLayers(tag, manifest, image, context);
  return image;
}

/** Notes the layers of an image for later, with what its config says that they unpack to. */
export function noteLayers(
  tag: string,
  { layers }: Manifest,
  image: ImageConfig | undefined,
  { blobs }: CheckContext,
): void {
  const diffIds = image?.rootfs.diff_ids.length === layers.length ? image.rootfs.diff_ids : [];
  for (const [at, layer] of layers.entries()) {
    if (ELSEWHERE.test(layer.mediaType)) continue;
    blobs.add(layer, tag, TAR.test(layer.mediaType) ? diffIds[at] : undefined);
  }
}
