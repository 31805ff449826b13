import type { Certificate } from "../certificate.js";
import type { FakeAuth } from "./auth.js";
import type { FaultHook } from "./faults.js";

/** How a fake registry behaves. Without options: plain http, no auth, all of the distribution-spec. */
export interface FakeRegistryOptions {
  readonly tls?: Certificate;
  readonly auth?: FakeAuth;
  /** Asked about every request; can be replaced later through `FakeRegistry.faults`. */
  readonly faults?: FaultHook;
  /** Whether upload Locations are absolute URLs. False unless told. */
  readonly absoluteLocations?: boolean;
  /** POST ?digest= with the content ends the upload. Otherwise it answers 202 and wants a PUT. True unless told. */
  readonly singlePost?: boolean;
  /** PATCH is understood. True unless told. */
  readonly chunked?: boolean;
  /** Announced as OCI-Chunk-Min-Length and enforced for all chunks but the last, bytes. */
  readonly chunkMinLength?: number;
  /** A longer PATCH is answered 416 (GHCR: 4 MiB), bytes. */
  readonly chunkMaxLength?: number;
  /** PATCH answers 201, its Range stays at the first chunk, and GET of an upload answers 404. False unless told. */
  readonly chunksAsEcr?: boolean;
  /** POST ?mount=&from= mounts. Otherwise it starts an upload. True unless told. */
  readonly mounts?: boolean;
  /** Range is obeyed. True unless told. */
  readonly ranges?: boolean;
  /** The referrers API exists. True unless told. */
  readonly referrers?: boolean;
  /** DELETE of manifests, tags and blobs works. True unless told. */
  readonly deletes?: boolean;
  /** Manifests have an ETag, and a PUT whose If-Match is another's answers 412. False unless told. */
  readonly etags?: boolean;
  /** Tags of one page at most. 1000 unless told. */
  readonly pageSize?: number;
  /** Blob GETs are redirected to another origin, which refuses an Authorization header as S3 does. False unless told. */
  readonly redirectBlobs?: boolean;
  /** The largest manifest taken, bytes. 4 MiB unless told. */
  readonly manifestLimit?: number;
}
