export { type Certificate, createCertificate } from "./certificate.js";
export type { FakeAuth, FakeBasicAuth, FakeBearerAuth } from "./fake-registry/auth.js";
export type { FakeRepository, StoredManifest, UploadSession } from "./fake-registry/content.js";
export type { FakeServer, Fault, FaultHook, FaultRequest } from "./fake-registry/faults.js";
export type { FakeRegistryOptions } from "./fake-registry/options.js";
export { type FakeRegistry, type RecordedRequest, startFakeRegistry } from "./fake-registry/server.js";
export { createTemporaryFolder, type TemporaryFolder, withTemporaryFolder } from "./temporary-folder.js";
