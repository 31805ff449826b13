export { archiveParts } from "./archive-parts.js";
export { type Browser, type BrowserPage, type BrowserWindow, startBrowser } from "./browser.js";
export { ageBlobs, fillCache, type IndexedPackage, indexedIn, namesOf, tagsOf } from "./cache-contents.js";
export { CacheEditor, type Json, SMALL_HASHES, SMALL_TAGS } from "./cache-editor.js";
export { type Certificate, createCertificate } from "./certificate.js";
export { about, CheckScene, codesOf, describeFindings, type FaultCase, says } from "./check-scene.js";
export { allWith, CopyScene, copyOutcomes, GREETER_NAMES, SMALL_CACHE, SMALL_NAMES } from "./copy-scene.js";
export {
  DOCKER_REGISTRY_USER,
  type DockerRegistry,
  type DockerRegistryOptions,
  startDockerRegistry,
} from "./docker-registry.js";
export { endedPid, ofEndedProcess } from "./ended-process.js";
export {
  type FakeGitHub,
  type FakeGitHubFault,
  type FakeGitHubOptions,
  type FakeGitHubRequest,
  startFakeGitHub,
} from "./fake-github.js";
export type { FakeAuth, FakeBasicAuth, FakeBearerAuth } from "./fake-registry/auth.js";
export type { FakeRepository, StoredManifest, UploadSession } from "./fake-registry/content.js";
export type { FakeServer, Fault, FaultHook, FaultRequest } from "./fake-registry/faults.js";
export type { FakeRegistryOptions } from "./fake-registry/options.js";
export { type FakeRegistry, type RecordedRequest, startFakeRegistry } from "./fake-registry/server.js";
export { type FaultProxy, type FaultProxyOptions, startFaultProxy } from "./fault-proxy/fault-proxy.js";
export { type FixtureStore, fixturePath, unpackFixtureStore } from "./fixture-store.js";
export { type HostileFile, readHostileFiles } from "./hostile-corpus.js";
export * from "./images.js";
export { InstallFolders } from "./install-folders.js";
export { linkTo } from "./link-to.js";
export { buildFatMachO, buildMachO, type MachOOptions, type MachOPath } from "./mach-o.js";
export { FolderPruneScene, keptBy, plannedIn, putReferrer, RegistryPruneScene } from "./prune-scene.js";
export * from "./random.js";
export { paxBody, type RawEntry, rawEntries, rawTar, TAR_END } from "./raw-tar.js";
export { FAST_RETRY, RegistryScene } from "./registry-scene.js";
export { requireTool } from "./require-tool.js";
export { putIndex, putIndexText } from "./spack-index.js";
export { buildPackage, putPackage, type TestPackage, type TestPackageOptions } from "./spack-package.js";
export { describeStoreContract } from "./store-contract/store-contract.js";
export type { StoreUnderTest } from "./store-contract/store-under-test.js";
export {
  type DatabaseRecord,
  type DatabaseRecords,
  hashOfName,
  INSTALLATION_TIME,
  installFor,
  type PlannedInstall,
  readSmallStore,
  recordsOf,
  referencesOf,
  SMALL_ROOT,
  specOf,
} from "./store-database.js";
export { tarOf } from "./tar.js";
export { createTemporaryFolder, type TemporaryFolder, withTemporaryFolder } from "./temporary-folder.js";
