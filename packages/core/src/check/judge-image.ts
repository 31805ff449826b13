import { fitsDocker, layerTypeIn } from "../image/layer-media-type.js";
import type { ImageConfig } from "../oci/image-config.js";
import type { Manifest } from "../oci/manifest.js";
import { DOCKER_CONFIG, type Family, familyOf, OCI_CONFIG } from "../oci/media-type.js";
import type { Report } from "./findings.js";
import { quote } from "./quote.js";

/** Whether a config's media type is that of a container image; other images, such as signatures, hold anything. */
export function isImageConfigType(mediaType: string): boolean {
  return mediaType === OCI_CONFIG || mediaType === DOCKER_CONFIG;
}

/** Checks that manifest, config and layers are of one family of media types (spack/spack #42777). */
export function judgeMediaTypes(manifest: Manifest, report: Report): void {
  const family = familyOf(manifest.mediaType);
  const wanted = family === "docker" ? DOCKER_CONFIG : OCI_CONFIG;
  const strangers = manifest.layers.map(({ mediaType }) => mediaType).filter((type) => !isOfFamily(type, family));
  if (isImageConfigType(manifest.config.mediaType) && manifest.config.mediaType !== wanted) {
    strangers.unshift(manifest.config.mediaType);
  }
  const [first] = strangers;
  if (first !== undefined)
    report("MEDIA_TYPES_MIXED", `its manifest is ${manifest.mediaType}, but it has ${quote(first)}`);
}

function isOfFamily(mediaType: string, family: Family): boolean {
  return layerTypeIn(family, mediaType) === mediaType && (family === "oci" || fitsDocker(mediaType));
}

/** Checks what container runtimes need of a config (image-spec, config.md); `config` has passed its schema. */
export function judgeConfig(manifest: Manifest, config: ImageConfig, report: Report): void {
  const wrong = (message: string): void => report("IMAGE_UNRUNNABLE", message, { digest: manifest.config.digest });
  if (config.os === "") wrong("its config names no operating system");
  if (config.architecture === "") wrong("its config names no architecture");
  const { length } = config.rootfs.diff_ids;
  if (length !== manifest.layers.length) {
    wrong(`its config lists ${length} layers, its manifest ${manifest.layers.length}`);
  }
  const bad = config.config?.Env?.find((line) => !/^[^=\0]+=[^\0]*$/s.test(line));
  if (bad !== undefined) wrong(`its variable ${quote(bad)} is not NAME=VALUE`);
  const described = config.history?.filter((entry) => entry.empty_layer !== true).length ?? 0;
  if (described > manifest.layers.length) {
    wrong(`its history has ${described} layers, its manifest ${manifest.layers.length}`);
  }
}
