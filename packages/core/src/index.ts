export { writeFileAtomically } from "./base/atomic-file.js";
export * from "./base/digest.js";
export { ERROR_CODES, type ErrorCode, exitCodeOf } from "./base/error-codes.js";
export { asSpkociError, isAbortError, SpkociError } from "./base/errors.js";
export type * from "./base/events.js";
export { nearestNames } from "./base/nearest.js";
export type { Op } from "./base/op.js";
export { withoutSecrets } from "./base/secrets.js";
export { check } from "./check/check.js";
export {
  CHECK_LEVELS,
  type CheckLevel,
  FINDING_CODES,
  type FindingCode,
  type Severity,
} from "./check/finding-codes.js";
export type * from "./check/options.js";
export type * from "./check/result.js";
export { copy, planCopy } from "./copy/copy.js";
export type * from "./copy/options.js";
export type * from "./copy/result.js";
export type { ImageSettings } from "./image/settings.js";
export {
  type DependencyTree,
  describeTree,
  type TreeNode,
  type TreeRequest,
  type TreeState,
} from "./inspect/dependency-tree.js";
export { describePackage, type PackageDescription } from "./inspect/describe-package.js";
export { type CacheList, comparePackages, type ListedPackage, type ListOptions, listCache } from "./inspect/list.js";
export { readReport } from "./inspect/report.js";
export type * from "./inspect/report-result.js";
export { type ShowOptions, showPackage } from "./inspect/show.js";
export type * from "./inspect/shown-package.js";
export { type CacheTree, readTree, type TreeOptions } from "./inspect/tree.js";
export { install, planInstall } from "./install/install.js";
export type * from "./install/options.js";
export type * from "./install/result.js";
export { isMemoryFileSystem } from "./layer/spool.js";
export { formatLocation, type Location, parseLocation } from "./location/parse-location.js";
export { type CacheInfo, cleanCache, readCacheInfo } from "./manage/cache.js";
export {
  planUninstall,
  type Removal,
  type UninstallOptions,
  type UninstallResult,
  uninstall,
} from "./manage/uninstall.js";
export { type VerifiedPackage, type VerifyOptions, type VerifyResult, verify } from "./manage/verify.js";
export type { Descriptor } from "./oci/descriptor.js";
export { type Document, documentOf, jsonDocument } from "./oci/document.js";
export type { ImageConfig } from "./oci/image-config.js";
export { type ImageIndex, type Manifest, parseImageIndex, parseManifest } from "./oci/manifest.js";
export * from "./oci/media-type.js";
export { formatPlatform, type Platform, parsePlatform } from "./oci/platform.js";
export {
  type BlobSource,
  blobOf,
  type GrowingBlob,
  MANIFEST_LIMIT,
  type Staging,
  type Store,
  type WriteOptions,
} from "./oci/store.js";
export type * from "./prune/options.js";
export { planPrune, prune } from "./prune/prune.js";
export type * from "./prune/result.js";
export type * from "./push/options.js";
export { planPush, push } from "./push/push.js";
export type * from "./push/result.js";
export type { CredentialSource, Credentials, RegistryAccess } from "./registry/access.js";
export { type CredentialPlaces, createCredentialSource } from "./registry/credentials.js";
export type { RegistryErrorEntry } from "./registry/error-body.js";
export type { GitHubAccess } from "./registry/github-packages.js";
export { type LoginOutcome, verifyLogin } from "./registry/login.js";
export { openRegistry } from "./registry/open-registry.js";
export { RegistryError, unknownBlobsOf } from "./registry/registry-error.js";
export { eraseCredentials, type SavedPlace, saveCredentials } from "./registry/saved-credentials.js";
export type { UpdateIndexOptions } from "./reindex/options.js";
export type { ReindexedPackage, SkippedTag, UpdateIndexResult } from "./reindex/result.js";
export { updateIndex } from "./reindex/update-index.js";
export { type BuildInfo, formatBuildInfo, parseBuildInfo } from "./spack/build-info.js";
export { type CompilerUse, compilersOf, formatCompiler } from "./spack/compilers-of.js";
export type * from "./spack/concrete-spec.js";
export { computeDagHash, verifyDagHashes } from "./spack/dag-hash.js";
export type { EnvModification } from "./spack/env-modification.js";
export { formatFlags, formatSpec, formatVariants } from "./spack/format-spec.js";
export { type Host, readHost } from "./spack/host.js";
export {
  type InstallRecord,
  type InstallStore,
  type InstallStoreOptions,
  readInstallStore,
} from "./spack/install-store.js";
export type { Libc } from "./spack/libc.js";
export {
  type LocatedStore,
  type LocateStoreOptions,
  locateStore,
} from "./spack/locate-store.js";
export { matchesQuery } from "./spack/match-spec-query.js";
export { parseSpecQuery } from "./spack/parse-spec-query.js";
export { type Fit, type KnownSpecs, libcOf, type Ranking, rankForHost, runsOn, type Unfit } from "./spack/rank.js";
export { findSpecs, type SpecChoice, selectSpecs } from "./spack/select-specs.js";
export { parseSpecFile, type SpecFile } from "./spack/spec-file.js";
export { type FormatContext, formatSpecAs, parseSpecFormat, type SpecFormat } from "./spack/spec-format.js";
export type * from "./spack/spec-query.js";
export { INDEX_TAG, isPackageTag, packageTag } from "./spack/tag.js";
export { compareVersions } from "./spack/version-order.js";
export { matchesVersion, type VersionWish } from "./spack/version-range.js";
export { openArchive } from "./store/archive.js";
export { copyBlob } from "./store/copy.js";
export { type OpenLayoutOptions, openLayout } from "./store/layout.js";
export { MemoryStore } from "./store/memory.js";
export { applyEnvironment, type EnvironmentVariable, mergeModifications } from "./use/environment.js";
export { type EnvironmentShell, formatEnvironment } from "./use/format-environment.js";
export { type EnvironmentOptions, readEnvironment } from "./use/read-environment.js";
export { makeView, removeView, type ViewConflict, type ViewOptions, type ViewResult } from "./use/view.js";
