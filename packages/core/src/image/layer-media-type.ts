import { DOCKER_LAYER_GZIP, type Family, OCI_LAYER, OCI_LAYER_GZIP } from "../oci/media-type.js";

/** The same layer in both families (image-spec, media-types.md, compatibility matrix). */
const PAIRS: readonly (readonly [oci: string, docker: string])[] = [
  [OCI_LAYER_GZIP, DOCKER_LAYER_GZIP],
  [OCI_LAYER, "application/vnd.docker.image.rootfs.diff.tar"],
  [
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  ],
  ["application/vnd.oci.image.layer.nondistributable.v1.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar"],
];

/** The layer's type in `family`; a type that is the same in both, or unknown, is kept. */
export function layerTypeIn(family: Family, mediaType: string): string {
  const pair = PAIRS.find((types) => types.includes(mediaType));
  if (!pair) return mediaType;
  return family === "oci" ? pair[0] : pair[1];
}

/** Whether Docker's family has a type for the layer; it has none for zstd. */
export function fitsDocker(mediaType: string): boolean {
  return !layerTypeIn("docker", mediaType).startsWith("application/vnd.oci.");
}
