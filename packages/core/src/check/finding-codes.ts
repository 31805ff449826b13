/** How deep a check looks; each level does what those before it do. */
export const CHECK_LEVELS = ["index", "manifests", "blobs", "contents"] as const;

export type CheckLevel = (typeof CHECK_LEVELS)[number];

/**
 * - `error`: something can't be found, installed or run, or isn't what the cache says.
 * - `warning`: it can, but not as it should.
 * - `note`: nothing is wrong, but something was not looked at.
 */
export type Severity = "error" | "warning" | "note";

/**
 * Every kind of finding: how bad it is, the level that finds it, what it means, and how it is mended. Codes are stable.
 * The table of docs/check.md is generated from this one.
 */
export const FINDING_CODES = {
  INDEX_MISSING: [
    "warning",
    "index",
    "The cache has packages, but no index: Spack doesn't see them.",
    "`spkoci check --repair` writes one.",
  ],
  INDEX_UNREADABLE: [
    "error",
    "index",
    "The index can't be read.",
    "`spkoci update-index --full` writes a new one from the tags.",
  ],
  RECORD_WITHOUT_TAG: [
    "error",
    "index",
    "The index says that the cache has a package, but there is no tag of it.",
    "Push it again, or let `--repair` take it out of the index.",
  ],
  TAG_NOT_INDEXED: [
    "error",
    "index",
    "A package is in the cache, but the index doesn't say so: Spack doesn't see it.",
    "`--repair` adds it to the index.",
  ],
  RECORD_INVALID: [
    "error",
    "index",
    "A record of the index can't be read.",
    "`--repair` writes it anew where the cache has the package; `spkoci update-index --full` does so for all.",
  ],
  RECORD_SPEC_WRONG: [
    "error",
    "index",
    "A record of the index isn't of the spec that it is filed under, or that the package's config has.",
    "`--repair` writes it anew from the package's config.",
  ],
  RECORD_MISSING: [
    "warning",
    "index",
    "A record of the index depends on a package that has none.",
    "`--repair` adds it from the configs of packages that need it.",
  ],
  REF_COUNT_WRONG: [
    "warning",
    "index",
    "A record's ref_count isn't the number of edges in the index that point at it.",
    "`--repair` counts anew.",
  ],
  MANIFEST_MISSING: [
    "error",
    "manifests",
    "A tag or an image index names a manifest that isn't there.",
    "Push the package again with --force; for another image, push that again.",
  ],
  MANIFEST_UNREADABLE: [
    "error",
    "manifests",
    "A manifest is damaged or malformed, or what the tag names is no image.",
    "Push the package again with --force.",
  ],
  MEDIA_TYPES_MIXED: [
    "error",
    "manifests",
    "Manifest, config and layers are not all of OCI's or all of Docker's media types, which some runtimes refuse.",
    "Push the package again with --force.",
  ],
  CONFIG_MISSING: ["error", "manifests", "An image's config isn't there.", "Push the package again with --force."],
  CONFIG_UNREADABLE: [
    "error",
    "manifests",
    "An image's config is damaged or malformed.",
    "Push the package again with --force.",
  ],
  IMAGE_UNRUNNABLE: [
    "error",
    "manifests",
    "An image's config isn't one that container runtimes start.",
    "Push the package again with --force.",
  ],
  LAYOUT_UNKNOWN: [
    "warning",
    "manifests",
    "A package has a newer cache layout than spkoci knows, so it can't be installed or checked.",
    "Use a newer spkoci.",
  ],
  SPEC_UNREADABLE: [
    "error",
    "manifests",
    "The spec in a package's config can't be read.",
    "Push the package again with --force.",
  ],
  DAG_HASH_WRONG: [
    "error",
    "manifests",
    "A node of the spec in a package's config doesn't have the DAG hash that it claims.",
    "Find out who changed it. Push the package again with --force.",
  ],
  TAG_WRONG: [
    "error",
    "manifests",
    "A tag names the image of another package.",
    "Push the package that the tag is of again with --force.",
  ],
  ARCHIVE_CLAIM_WRONG: [
    "error",
    "manifests",
    "What a package's config says of its layer (checksum, size, compression) doesn't fit the layer: Spack refuses it.",
    "Push the package again with --force.",
  ],
  ANNOTATION_WRONG: [
    "warning",
    "manifests",
    "spkoci's annotations of the layers say something else than the config, so a later push may reuse a wrong layer.",
    "Push the package again with --force.",
  ],
  DEPENDENCY_MISSING: [
    "warning",
    "manifests",
    "The cache lacks link or run dependencies of a package, so it can't be installed from this cache alone.",
    "Push the package again without --only, or install with --from and another cache.",
  ],
  IMAGE_INCOMPLETE: [
    "warning",
    "manifests",
    "An image lacks layers of link or run dependencies that the cache has, so its programs may not start.",
    "Push the package again.",
  ],
  BLOB_MISSING: [
    "error",
    "blobs",
    "A layer or another blob that an image names isn't there.",
    "Push the package that it belongs to again with --force, then what depends on it.",
  ],
  BLOB_DAMAGED: [
    "error",
    "blobs",
    "A blob has another size or, at the level contents, another digest than it should.",
    "In a folder, remove the file; then push the package that it belongs to again with --force, and what depends on it.",
  ],
  DIFF_ID_WRONG: [
    "error",
    "contents",
    "A layer doesn't unpack to the tar that an image's config names (rootfs.diff_ids): container runtimes refuse it.",
    "Push the package again with --force.",
  ],
  ARCHIVE_REFUSED: [
    "error",
    "contents",
    "A layer can't be unpacked: it is malformed, no Spack package, or would write where it must not.",
    "Find out who pushed it. Push the package again with --force.",
  ],
  BUILD_INFO_UNREADABLE: [
    "error",
    "contents",
    "A package's `.spack/binary_distribution` can't be read.",
    "Push the package again with --force.",
  ],
  BUILD_INFO_WRONG: [
    "error",
    "contents",
    "A package's `.spack/binary_distribution` doesn't fit its files or its spec, so it can't be relocated right.",
    "Push the package again with --force.",
  ],
  LAYER_UNCHECKED: [
    "note",
    "contents",
    "A layer has the right digest, but was not unpacked: this Node has no zstd.",
    "Check with Node 22.15 or newer.",
  ],
} as const;

export type FindingCode = keyof typeof FINDING_CODES;
