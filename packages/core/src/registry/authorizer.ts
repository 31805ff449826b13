import { Flights } from "../base/concurrency.js";
import type { Op } from "../base/op.js";
import { rememberSecret } from "../base/secrets.js";
import type { Credentials, RegistryAccess } from "./access.js";
import { type Challenge, parseChallenges } from "./challenge.js";
import { resolveLocation } from "./endpoint.js";
import { formatScope, type Scope } from "./scope.js";
import { basicAuthorization, fetchToken, secretsOf } from "./token.js";
import type { Transport } from "./transport.js";
import { PRODUCT } from "./user-agent.js";

type Scheme =
  | { readonly kind: "basic" }
  | { readonly kind: "bearer"; readonly realm: URL; readonly service: string | undefined };

interface CachedToken {
  readonly value: string;
  /** When a new one is to be had, on the clock of `performance.now()`. */
  readonly renewAt: number;
}

/** Tokens are renewed when this part of their life is left, at most `RENEW_BEFORE_MS`. */
const RENEW_SHARE = 0.2;
const RENEW_BEFORE_MS = 30_000;

/**
 * Knows how one registry wants to be authorised, once it has said so, and keeps its tokens: one a repository and its actions,
 * fetched by one request at a time, renewed before it expires.
 */
export class Authorizer {
  readonly #registry: string;
  readonly #access: RegistryAccess;
  readonly #transport: Transport;
  readonly #credentials = new Flights<string, Credentials | undefined>();
  readonly #fetches = new Flights<string, CachedToken>();
  readonly #tokens = new Map<string, CachedToken>();
  readonly #secrets = new Set<string>();
  #scheme: Scheme | undefined;
  #hadCredentials = false;

  constructor(registry: string, access: RegistryAccess, transport: Transport) {
    this.#registry = registry;
    this.#access = access;
    this.#transport = transport;
  }

  /** Whether credentials have been found and used. */
  get hadCredentials(): boolean {
    return this.#hadCredentials;
  }

  /** Passwords and tokens that a registry could echo. */
  get secrets(): readonly string[] {
    return [...this.#secrets];
  }

  /** The Authorization header for a request, as far as the registry has said what it wants. */
  async authorize(scopes: readonly Scope[], op?: Op): Promise<string | undefined> {
    if (this.#scheme?.kind === "basic") return this.#basic(scopes);
    if (this.#scheme?.kind !== "bearer") return undefined;
    const wider = scopes.map((scope) =>
      scope.actions === "pull" ? { ...scope, actions: "pull,push" as const } : scope,
    );
    const known = this.#fresh(keyOf(scopes)) ?? this.#fresh(keyOf(wider));
    if (known) return `Bearer ${known.value}`;
    return this.#bearer(this.#scheme, scopes, scopes.map(formatScope), op);
  }

  /**
   * What to offer after a 401 with these challenges; undefined if there is nothing that was not refused already.
   * @throws RegistryError if the token server refuses
   */
  async answer(
    header: string,
    origin: URL,
    scopes: readonly Scope[],
    refused: string | undefined,
    op?: Op,
  ): Promise<string | undefined> {
    const challenges = parseChallenges(header);
    const bearer = challenges.map((challenge) => bearerScheme(challenge, origin)).find(Boolean);
    if (bearer) {
      this.#scheme = bearer.scheme;
      for (const [key, { value }] of this.#tokens) if (`Bearer ${value}` === refused) this.#tokens.delete(key);
      return this.#bearer(bearer.scheme, scopes, bearer.scopes ?? scopes.map(formatScope), op);
    }
    if (!challenges.some(({ scheme }) => scheme === "basic")) return undefined;
    this.#scheme = { kind: "basic" };
    const offer = await this.#basic(scopes);
    return offer === refused ? undefined : offer;
  }

  async #basic(scopes: readonly Scope[]): Promise<string | undefined> {
    const credentials = await this.#findCredentials(scopes);
    if (!credentials || "identityToken" in credentials) return undefined;
    return basicAuthorization(credentials.username, credentials.password);
  }

  async #bearer(
    scheme: Scheme & { readonly kind: "bearer" },
    scopes: readonly Scope[],
    asked: readonly string[],
    op: Op | undefined,
  ): Promise<string> {
    const key = keyOf(scopes);
    const known = this.#fresh(key);
    const token = known ?? (await this.#fetches.run(key, () => this.#fetch(scheme, scopes, asked, op), op?.signal));
    this.#tokens.set(key, token);
    this.#fetches.forget(key);
    return `Bearer ${token.value}`;
  }

  #fresh(key: string): CachedToken | undefined {
    const token = this.#tokens.get(key);
    return token && performance.now() < token.renewAt ? token : undefined;
  }

  async #fetch(
    { realm, service }: Scheme & { readonly kind: "bearer" },
    scopes: readonly Scope[],
    asked: readonly string[],
    op: Op | undefined,
  ): Promise<CachedToken> {
    const credentials = await this.#findCredentials(scopes);
    const clientId = this.#access.userAgent ?? PRODUCT;
    const request = { registry: this.#registry, realm, service, scopes: asked, clientId, credentials };
    const { value, lifetimeMs } = await fetchToken(request, this.#transport, op);
    this.#remember(value);
    return { value, renewAt: performance.now() + lifetimeMs - Math.min(RENEW_BEFORE_MS, lifetimeMs * RENEW_SHARE) };
  }

  async #findCredentials(scopes: readonly Scope[]): Promise<Credentials | undefined> {
    const repository = scopes[0]?.repository;
    const found = await this.#credentials.run(repository ?? "", async () =>
      this.#access.credentials?.(this.#registry, repository),
    );
    for (const secret of secretsOf(found)) this.#remember(secret);
    this.#hadCredentials ||= found !== undefined;
    return found;
  }

  #remember(secret: string): void {
    this.#secrets.add(secret);
    rememberSecret(secret);
  }
}

function keyOf(scopes: readonly Scope[]): string {
  return scopes.map(formatScope).join(" ");
}

/** A Bearer challenge's token server and scopes. Over https none is taken that would get credentials over http. */
function bearerScheme(
  { scheme, parameters }: Challenge,
  origin: URL,
):
  | { readonly scheme: Scheme & { readonly kind: "bearer" }; readonly scopes: readonly string[] | undefined }
  | undefined {
  const realm = scheme === "bearer" ? resolveLocation(parameters.get("realm") ?? "", origin) : undefined;
  if (!realm || !parameters.get("realm")) return undefined;
  const scopes = parameters.get("scope")?.split(/\s+/).filter(Boolean) ?? [];
  return {
    scheme: { kind: "bearer", realm, service: parameters.get("service") },
    scopes: scopes.length > 0 ? scopes : undefined,
  };
}
