import type { RetryPolicy } from "../base/retry.js";

/** A name and a password, or an identity token for the OAuth2 flow. Never printed. */
export type Credentials = { readonly username: string; readonly password: string } | { readonly identityToken: string };

/**
 * Looks credentials up for a registry host as the user wrote it (`ghcr.io`, `docker.io`, `localhost:5000`), and for a repository
 * there if its file has some for it alone; undefined if there are none.
 * @throws SpkociError CREDENTIALS_UNREADABLE
 */
export type CredentialSource = (registry: string, repository?: string) => Promise<Credentials | undefined>;

/**
 * How registries are reached. Stores opened with the same object share connections, tokens, limits and retries.
 */
export interface RegistryAccess {
  /** Asked once a registry wants credentials. */
  readonly credentials?: CredentialSource | undefined;
  /** Speak http: to every registry but Docker Hub, or to the listed hosts only. Loopback hosts may be plain in any case. */
  readonly plainHttp?: boolean | readonly string[] | undefined;
  /** Accept any certificate. */
  readonly insecureSkipVerify?: boolean | undefined;
  /** PEM certificates to trust beside the system's. */
  readonly ca?: string | undefined;
  /** Variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY (either case). Loopback hosts are reached directly. */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>> | undefined;
  /** Product token for User-Agent and client_id; `spkoci/VERSION` unless told. */
  readonly userAgent?: string | undefined;
  /**
   * Requests at once to one registry at most, 8 unless told; fewer while it answers 429 or slowly. A download counts until its answer
   * begins.
   */
  readonly maxRequests?: number | undefined;
  readonly retry?: RetryPolicy | undefined;
  /** Retries of all requests together, 100 unless told, and as many again for every 1,000 requests that succeed. */
  readonly retries?: number | undefined;
  /** Blobs larger than this are sent in parts of this size, bytes; whole unless told. Some registries take smaller parts or none. */
  readonly chunkSize?: number | undefined;
  /** No bytes for this long ends a request, ms; two minutes unless told. */
  readonly idleTimeoutMs?: number | undefined;
}
