import { systemCodeOf } from "../base/errors.js";
import { RegistryError, type RequestLabel } from "./registry-error.js";

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was closed",
  ETIMEDOUT: "the connection timed out",
  ENOTFOUND: "host not found",
  EAI_AGAIN: "the name could not be looked up",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "the network is unreachable",
  ERR_STREAM_PREMATURE_CLOSE: "the answer broke off",
  HPE_INVALID_EOF_STATE: "the answer broke off",
};

const TRANSIENT = new Set([
  "ECONNABORTED",
  "ECONNRESET",
  "EAI_AGAIN",
  "ENETRESET",
  "EPIPE",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ETIMEDOUT",
  "HPE_INVALID_EOF_STATE",
]);

/** Whether a connection failed because the other side doesn't speak TLS. */
export function isNotTls(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG";
}

/** No bytes came or went for too long. */
export class StalledError extends Error {
  constructor(idleMs: number) {
    super(`nothing moved for ${Math.round(idleMs / 1000)} s`);
  }
}

/** The error for a request that got no answer, or whose answer broke off. */
export function networkError(label: RequestLabel, error: unknown): RegistryError {
  const code = systemCodeOf(error) ?? "";
  const message = error instanceof Error ? error.message : String(error);
  // node-fetch puts the whole URL before the reason, with its query.
  const reason = message.replace(/^.*, reason: /s, "").trim() || code || "unknown reason";
  const cause = Object.assign(new Error(reason), code === "" ? {} : { code });
  const { host } = label.url;
  if (isNotTls(error)) {
    return new RegistryError("REGISTRY_TLS", label, `${host} doesn't speak TLS`, {
      cause,
      hint: "If this registry is meant to be reached over plain http, say so: --plain-http or oci+http://",
    });
  }
  if (isCertificateError(code)) {
    return new RegistryError("REGISTRY_TLS", label, `the certificate of ${host} isn't trusted (${reason})`, {
      cause,
      hint: "Give the authority's certificate with --ca-file. For a test registry there is --insecure-skip-verify.",
    });
  }
  if (code.startsWith("HPE_") && !TRANSIENT.has(code)) {
    return new RegistryError("REGISTRY_PROTOCOL", label, `${host} doesn't speak HTTP (${code})`, { cause });
  }
  const words = WORDS[code] ?? reason;
  const transient = error instanceof StalledError || TRANSIENT.has(code);
  return new RegistryError("REGISTRY_UNREACHABLE", label, `can't reach ${host}: ${words}`, {
    cause,
    hint: "Check the address, the network and the proxy settings (HTTPS_PROXY, NO_PROXY).",
    retry: transient ? { retry: true, reason: words } : { retry: false },
  });
}

function isCertificateError(code: string): boolean {
  return (
    /^(?:CERT_|ERR_TLS_|ERR_SSL_|CRL_)/.test(code) ||
    /SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY|DECRYPT|DECODE)|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE/.test(code)
  );
}
