import type { Op } from "../base/op.js";
import type { Credentials } from "./access.js";
import { readRefusal } from "./refusal.js";
import { protocolError, type RequestLabel } from "./registry-error.js";
import { bodyOfBytes } from "./request-body.js";
import { discard, type HttpRequest, type HttpResponse, type Transport } from "./transport.js";

/** Where tokens come from and what they are for (distribution, token and OAuth2 specifications). */
export interface TokenRequest {
  /** As the user wrote it. */
  readonly registry: string;
  readonly realm: URL;
  readonly service: string | undefined;
  /** Such as `repository:org/cache:pull,push`. */
  readonly scopes: readonly string[];
  readonly clientId: string;
  /** Without any, an anonymous token is asked for. */
  readonly credentials: Credentials | undefined;
}

export interface Token {
  readonly value: string;
  /** From now, ms. */
  readonly lifetimeMs: number;
}

const TOKEN_ANSWER_LIMIT = 1024 * 1024;
const DEFAULT_LIFETIME_S = 60;

/**
 * Gets a token: by GET with a name and password or without, by an OAuth2 POST with an identity token. A server that doesn't know the
 * POST (404, 405) is asked by GET.
 * @throws RegistryError AUTHENTICATION_REQUIRED if the credentials are refused, or REGISTRY_*
 */
export async function fetchToken(request: TokenRequest, transport: Transport, op?: Op): Promise<Token> {
  const { credentials } = request;
  const step = `getting a token for ${request.registry} from ${request.realm.host}`;
  if (credentials && "identityToken" in credentials) {
    const post = postRequest(request, credentials.identityToken, step);
    const response = await transport(post, op);
    if (response.status !== 404 && response.status !== 405) return readToken(post, response, request);
    discard(response);
  }
  const get = getRequest(request, step);
  return readToken(get, await transport(get, op), request);
}

/** A Basic Authorization header (RFC 7617). */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** What of credentials must never be shown. */
export function secretsOf(credentials: Credentials | undefined): string[] {
  if (!credentials) return [];
  if ("identityToken" in credentials) return [credentials.identityToken];
  const { username, password } = credentials;
  return [password, basicAuthorization(username, password).slice("Basic ".length)];
}

function getRequest({ realm, service, scopes, clientId, credentials }: TokenRequest, step: string): HttpRequest {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.append("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  url.searchParams.append("client_id", clientId);
  return { step, method: "GET", url, authorization: authorizationOf(credentials), isUrgent: true };
}

function authorizationOf(credentials: Credentials | undefined): string | undefined {
  if (!credentials) return undefined;
  if ("identityToken" in credentials) return basicAuthorization("<token>", credentials.identityToken);
  return basicAuthorization(credentials.username, credentials.password);
}

function postRequest({ realm, service, scopes, clientId }: TokenRequest, token: string, step: string): HttpRequest {
  const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: token, client_id: clientId });
  if (service !== undefined) form.append("service", service);
  if (scopes.length > 0) form.append("scope", scopes.join(" "));
  return {
    step,
    method: "POST",
    url: realm,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: bodyOfBytes(Buffer.from(form.toString())),
    confidential: true,
    isUrgent: true,
  };
}

async function readToken(label: RequestLabel, response: HttpResponse, request: TokenRequest): Promise<Token> {
  if (response.status !== 200) {
    const { registry, credentials } = request;
    const context = { registry, hadCredentials: credentials !== undefined, fromTokenServer: true };
    throw await readRefusal(label, response, context, secretsOf(credentials));
  }
  const bytes = await response.collect(TOKEN_ANSWER_LIMIT, "the token server's answer");
  const token = parseToken(bytes.toString("utf8"));
  if (!token) throw protocolError(label, "the answer holds no token", response.status);
  return token;
}

/** `token` or `access_token`, and `expires_in` in seconds, 60 unless told. */
function parseToken(text: string): Token | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof answer !== "object" || answer === null) return undefined;
  const { token, access_token, expires_in } = answer as Record<string, unknown>;
  const value = [token, access_token].find((field) => typeof field === "string" && /^[\x21-\x7e]+$/.test(field));
  if (typeof value !== "string") return undefined;
  const seconds = Number(expires_in ?? DEFAULT_LIFETIME_S);
  return { value, lifetimeMs: (Number.isFinite(seconds) ? Math.max(0, seconds) : DEFAULT_LIFETIME_S) * 1000 };
}
