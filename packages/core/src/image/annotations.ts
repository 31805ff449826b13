/**
 * Annotations of the images. The `org.opencontainers` ones are as image-spec, annotations.md, defines them; the
 * `dev.spkoci` ones let a later push read back from the manifest alone what it would otherwise need the config for.
 * Images in Docker's media types have no annotations; there the config's member `dev.spkoci` says the same.
 */

/** Manifest: the spec in Spack's one-line format. */
export const DESCRIPTION = "org.opencontainers.image.description";
export const TITLE = "org.opencontainers.image.title";
export const VERSION = "org.opencontainers.image.version";
/** Manifest: full reference of the base image. */
export const BASE_NAME = "org.opencontainers.image.base.name";
/** Manifest: digest of the base image's manifest. */
export const BASE_DIGEST = "org.opencontainers.image.base.digest";
/** Manifest: URL of the sources. */
export const SOURCE = "org.opencontainers.image.source";

/** Manifest: the time of SOURCE_DATE_EPOCH, if one was given. */
export const CREATED = "org.opencontainers.image.created";

/** Manifest: where the run environment comes from, `prefix` or `spack`. */
export const RUN_ENV = "dev.spkoci.run-env";
/** Package layer: sha256 of the uncompressed tarball, as in the config's `rootfs.diff_ids`. */
export const LAYER_DIFF_ID = "dev.spkoci.layer.diff-id";
/** Package layer: DAG hash of the package. */
export const LAYER_DAG_HASH = "dev.spkoci.layer.dag-hash";
/** The package's own layer: where old paths stand in its files (`path-offsets.ts`). */
export const LAYER_PATH_OFFSETS = "dev.spkoci.layer.path-offsets";

/**
 * Member of the config of an image in Docker's media types, with `runEnv` and the package layers' DAG hashes in
 * `layers`.
 */
export const CONFIG_MARK = "dev.spkoci";

/** What images say of their run environment's origin. */
export type RunEnv = "prefix" | "spack";

export function isRunEnv(text: unknown): text is RunEnv {
  return text === "prefix" || text === "spack";
}
