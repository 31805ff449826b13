import { STATUS_CODES } from "node:http";
import type { Digest } from "../base/digest.js";
import { isDigest } from "../base/digest.js";
import type { ErrorCode } from "../base/error-codes.js";
import { type ErrorDetails, SpkociError } from "../base/errors.js";
import type { Retryable } from "../base/retry.js";
import { withoutSecrets } from "../base/secrets.js";
import type { RegistryErrorEntry } from "./error-body.js";
import { LONGEST_WAIT_MS, parseRetryAfter } from "./retry-after.js";

/** What a request was for, so that its failure can be told. */
export interface RequestLabel {
  /** Such as `pushing blob sha256:… to ghcr.io/org/cache`. */
  readonly step: string;
  readonly method: string;
  readonly url: URL;
}

interface RegistryErrorDetails extends ErrorDetails {
  readonly status?: number;
  readonly errors?: readonly RegistryErrorEntry[];
  readonly retry?: Retryable;
}

/** A request to a registry failed: its answer, or that there was none. Holds no secrets. */
export class RegistryError extends SpkociError {
  override readonly name: string = "RegistryError";
  readonly step: string;
  readonly method: string;
  /** Without user, password and query. */
  readonly url: string;
  /** HTTP status; undefined if there was no answer. */
  readonly status: number | undefined;
  /** The registry's own error list; empty if it gave none. */
  readonly errors: readonly RegistryErrorEntry[];
  /** Whether repeating the request may help. */
  readonly retry: Retryable;

  constructor(code: ErrorCode, label: RequestLabel, problem: string, details: RegistryErrorDetails = {}) {
    super(code, `${label.step}: ${problem}`, details);
    this.step = label.step;
    this.method = label.method;
    this.url = formatUrl(label.url);
    this.status = details.status;
    this.errors = details.errors ?? [];
    this.retry = details.retry ?? { retry: false };
  }
}

/** A URL as it may be shown: what its query held is left out. */
export function formatUrl(url: URL): string {
  return withoutSecrets(`${url.protocol}//${url.host}${url.pathname}${url.search === "" ? "" : "?…"}`);
}

/** For base/retry: repeats what registries ask to repeat, and what broke on the way. */
export function classifyRegistryError(error: unknown): Retryable {
  return error instanceof RegistryError ? error.retry : { retry: false };
}

/**
 * The blobs that a registry lacks for a manifest, if that is why it refused it (MANIFEST_BLOB_UNKNOWN); empty if it named none,
 * undefined for any other error.
 */
export function unknownBlobsOf(error: unknown): readonly Digest[] | undefined {
  if (!(error instanceof RegistryError)) return undefined;
  const entries = error.errors.filter(({ code }) => code === "MANIFEST_BLOB_UNKNOWN" || code === "BLOB_UNKNOWN");
  if (entries.length === 0) return undefined;
  return entries.flatMap(({ detail }) => {
    const named = typeof detail === "object" && detail !== null ? Object.values(detail) : [detail];
    return named.filter((value): value is Digest => typeof value === "string" && isDigest(value));
  });
}

/** What is known of the client when an answer is judged. */
export interface AnswerContext {
  /** As the user wrote it. */
  readonly registry: string;
  readonly hadCredentials: boolean;
  /** The registry took the token, but it doesn't cover the request. */
  readonly insufficientScope?: boolean;
  /** The answer is a token server's, whose only question is who asks. */
  readonly fromTokenServer?: boolean;
}

/** The error for an answer that refuses. */
export function answerError(
  label: RequestLabel,
  answer: { readonly status: number; readonly retryAfter: string | undefined },
  errors: readonly RegistryErrorEntry[],
  context: AnswerContext,
): RegistryError {
  const { status } = answer;
  const said = errors.map(({ code, message }) => [code, message].filter(Boolean).join(": ")).join("; ");
  const problem = `${status} ${said || (STATUS_CODES[status] ?? "unknown status")}`;
  const code = codeOf(status, errors, context);
  return new RegistryError(code, label, problem, {
    status,
    errors,
    retry: retryOf(code, status, answer.retryAfter, said),
    ...withHint(hintOf(code, status, context)),
  });
}

/** A failure that could be repeated, if the run had retries left. */
export function retriesSpent(error: unknown, used: number): unknown {
  if (!(error instanceof RegistryError)) return error;
  const { step, method, status, errors, message } = error;
  const label = { step, method, url: new URL(error.url) };
  const count = used === 0 ? "retries are turned off" : `all ${used} retries of this run are used up`;
  return new RegistryError("RETRIES_SPENT", label, `${message.slice(step.length + 2)}; ${count}`, {
    errors,
    ...(status === undefined ? {} : { status }),
    cause: error,
    hint: "Something is wrong with the registry or the way to it; try again later, or allow more retries: --retries",
  });
}

/** The error for an answer that breaks the specification; `problem` says how. */
export function protocolError(label: RequestLabel, problem: string, status?: number): RegistryError {
  return new RegistryError("REGISTRY_PROTOCOL", label, problem, {
    ...(status === undefined ? {} : { status }),
    hint: "Is this the address of a registry? A proxy or login page may be answering in its place.",
  });
}

/** Shorter waits are left to the usual pauses, which are longer. */
const SHORTEST_WAIT_MS = 100;
const TRANSIENT = new Set([408, 425, 500, 502, 503, 504]);

function codeOf(status: number, errors: readonly RegistryErrorEntry[], context: AnswerContext): ErrorCode {
  if (status === 429 || (status === 403 && errors.some(isRateLimit))) return "REGISTRY_RATE_LIMITED";
  if (status === 401 || status === 403) {
    if (!context.hadCredentials || context.fromTokenServer) return "AUTHENTICATION_REQUIRED";
    const denied = status === 403 || context.insufficientScope || errors.some(({ code }) => code === "DENIED");
    return denied ? "ACCESS_DENIED" : "AUTHENTICATION_REQUIRED";
  }
  return status >= 400 ? "REGISTRY_REJECTED" : "REGISTRY_PROTOCOL";
}

function isRateLimit({ code, message }: RegistryErrorEntry): boolean {
  return code === "TOOMANYREQUESTS" || /secondary rate limit|rate limit exceeded/i.test(message);
}

function retryOf(code: ErrorCode, status: number, retryAfter: string | undefined, said: string): Retryable {
  const limited = code === "REGISTRY_RATE_LIMITED";
  if (!limited && !TRANSIENT.has(status) && (status < 505 || status > 599)) return { retry: false };
  const reason = said === "" ? String(status) : `${status} ${said}`;
  const asked = parseRetryAfter(retryAfter, said);
  if (asked === undefined || asked < SHORTEST_WAIT_MS) return { retry: true, reason };
  return asked > LONGEST_WAIT_MS ? { retry: false } : { retry: true, afterMs: Math.ceil(asked), reason };
}

function hintOf(code: ErrorCode, status: number, { registry, hadCredentials }: AnswerContext): string | undefined {
  const login = `spkoci login ${registry}`;
  if (code === "REGISTRY_RATE_LIMITED") {
    return hadCredentials ? "Try again later." : `Try again later, or log in for a higher limit: ${login}`;
  }
  if (code === "AUTHENTICATION_REQUIRED") {
    return hadCredentials
      ? `The credentials are wrong or have expired, or don't allow this. Log in again: ${login}`
      : `No credentials were found. Log in: ${login}`;
  }
  if (code === "ACCESS_DENIED") {
    return `Check that the account may do this in the repository, or log in with another: ${login}`;
  }
  if (status === 413) return "The registry, or a proxy in front of it, limits the size of uploads; raise that limit.";
  if (status === 405) return "The registry doesn't support this, or is read-only.";
  if (status === 404) return "The repository may have to be created first, or its name is wrong.";
  if (status >= 500) return "The registry has a problem of its own; try again later.";
  return undefined;
}

function withHint(hint: string | undefined): { readonly hint?: string } {
  return hint === undefined ? {} : { hint };
}
