import type { RetryPolicy } from "../base/retry.js";

/** A name and a password, or an identity token for the OAuth2 flow. Never printed. */
export type Credentials = { readonly username: string; readonly password: string } | { readonly identityToken: string };

/** Looks credentials up for a registry host as the user wrote it (`ghcr.io`, `docker.io`, `localhost:5000`); undefined if there are none. */
export type CredentialSource = (registry: string) => Promise<Credentials | undefined>;

/** How registries are reached. */
export interface RegistryAccess {
  readonly credentials?: CredentialSource | undefined;
  /** Speak http to every registry; loopback hosts may be plain in any case. */
  readonly plainHttp?: boolean | undefined;
  /** Accept any certificate. */
  readonly insecureSkipVerify?: boolean | undefined;
  /** PEM certificates to trust beside the system's. */
  readonly ca?: string | undefined;
  /** Variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY (either case). */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>> | undefined;
  /** Product token for User-Agent and client_id; `spkoci/VERSION` unless told. */
  readonly userAgent?: string | undefined;
  /** Requests at once to one registry. */
  readonly maxRequests?: number | undefined;
  readonly retry?: RetryPolicy | undefined;
  /** No bytes for this long ends a request, ms. */
  readonly idleTimeoutMs?: number | undefined;
}
