import { Flights } from "../base/concurrency.js";
import type { Op } from "../base/op.js";
import { type Retryable, withRetry } from "../base/retry.js";
import { RetryBudget } from "../base/retry-budget.js";
import type { RegistryAccess } from "./access.js";
import { createAgents } from "./agents.js";
import { Authorizer } from "./authorizer.js";
import { parseChallenges } from "./challenge.js";
import { findOrigin } from "./endpoint.js";
import { chunkSizeFor, profileOf, type RegistryProfile } from "./profiles.js";
import { readRefusal } from "./refusal.js";
import { classifyRegistryError, type RequestLabel, retriesSpent } from "./registry-error.js";
import type { RequestBody } from "./request-body.js";
import type { Scope } from "./scope.js";
import { Slots } from "./slots.js";
import { createTransport, discard, type HttpResponse, type Transport } from "./transport.js";
import { parseWarnings } from "./warning-header.js";

const DEFAULT_MAX_REQUESTS = 8;
const DEFAULT_RETRIES = 100;

export interface ApiRequest {
  /** Such as `pushing blob sha256:… to ghcr.io/org/cache`. */
  readonly step: string;
  readonly method: string;
  /** A path that begins with `/v2/`, or a URL that the registry gave. */
  readonly target: string | URL;
  readonly scopes: readonly Scope[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Statuses that are answers; any other is thrown. */
  readonly expect: readonly number[];
  /** Another request waits for this one, so it doesn't wait for a slot. */
  readonly isUrgent?: boolean;
}

/** One registry: its address, authorisation, limit of requests and retries. */
export class RegistryClient {
  /** As the user wrote it. */
  readonly registry: string;
  readonly authorizer: Authorizer;
  readonly transport: Transport;
  readonly profile: RegistryProfile;
  /** Whether an upload may be one PATCH of unknown length. Unset once that has failed here. */
  mayStream: boolean;
  readonly #access: RegistryAccess;
  readonly #origin = new Flights<"origin", URL>();
  readonly #warned = new Set<string>();

  constructor(registry: string, access: RegistryAccess) {
    this.registry = registry;
    this.#access = access;
    this.profile = profileOf(registry);
    this.mayStream = this.profile.patchLimit === undefined && access.chunkSize === undefined;
    const slots = new Slots(access.maxRequests ?? DEFAULT_MAX_REQUESTS);
    this.transport = createTransport(access, createAgents(access), slots);
    this.authorizer = new Authorizer(registry, access, this.transport);
  }

  /** The size of the parts that a blob of `size` bytes is sent in; undefined where it is sent whole. */
  chunkSizeFor(size: number): number | undefined {
    return chunkSizeFor(size, this.#access.chunkSize, this.profile);
  }

  /** Scheme and host of the API. */
  async origin(): Promise<URL> {
    return this.#origin.run("origin", () => findOrigin(this.registry, this.#access));
  }

  /** Sends a request, again and again where that may help. @throws RegistryError; what the body's source throws */
  async request(request: ApiRequest, op?: Op): Promise<HttpResponse> {
    return this.retrying(request.step, () => this.send(request, op), op);
  }

  /**
   * Repeats a task of one or several requests while its failures are passing ones, as `classify` tells, and the run has retries left.
   * @throws RegistryError RETRIES_SPENT
   */
  async retrying<T>(
    step: string,
    task: (attempt: number) => Promise<T>,
    op?: Op,
    classify: (error: unknown) => Retryable = classifyRegistryError,
  ): Promise<T> {
    const budget = budgetOf(this.#access);
    const spent = (error: unknown): unknown => retriesSpent(error, budget.used);
    return withRetry(step, task, classify, this.#access.retry, op, { budget, spent });
  }

  /** Sends a request once; after a 401 once more with what the registry wants. */
  async send(request: ApiRequest, op?: Op): Promise<HttpResponse> {
    const origin = await this.origin();
    const url = typeof request.target === "string" ? new URL(request.target, origin) : request.target;
    const ours = url.origin === origin.origin;
    const { step, method, headers = {}, body, scopes, isUrgent = false } = request;
    const label: RequestLabel = { step, method, url };
    const authorization = ours ? await this.authorizer.authorize(scopes, op) : undefined;
    let response = await this.transport({ ...label, headers, body, isUrgent, authorization }, op);
    const challenge = response.status === 401 && response.url.origin === origin.origin ? challengeOf(response) : "";
    if (challenge !== "") {
      const better = await this.#answer(challenge, origin, request, response, authorization, op);
      if (better !== undefined) {
        discard(response);
        response = await this.transport({ ...label, headers, body, isUrgent, authorization: better }, op);
      }
    }
    this.#showWarnings(response, op);
    if (request.expect.includes(response.status)) return response;
    throw await this.#refusal(label, response);
  }

  async #answer(
    challenge: string,
    origin: URL,
    { scopes }: ApiRequest,
    response: HttpResponse,
    refused: string | undefined,
    op: Op | undefined,
  ): Promise<string | undefined> {
    try {
      return await this.authorizer.answer(challenge, origin, scopes, refused, op);
    } catch (error) {
      discard(response);
      throw error;
    }
  }

  async #refusal(label: RequestLabel, response: HttpResponse): Promise<Error> {
    const insufficientScope = parseChallenges(challengeOf(response)).some(
      ({ parameters }) => parameters.get("error") === "insufficient_scope",
    );
    const { registry } = this;
    const { hadCredentials, secrets } = this.authorizer;
    return readRefusal(label, response, { registry, hadCredentials, insufficientScope }, secrets);
  }

  #showWarnings(response: HttpResponse, op: Op | undefined): void {
    for (const text of parseWarnings(response.header("warning"))) {
      if (this.#warned.has(text)) continue;
      this.#warned.add(text);
      op?.emit?.({ type: "warning", message: `${this.registry} says: ${text}` });
    }
  }
}

const budgets = new WeakMap<RegistryAccess, RetryBudget>();

/** The retries of all registries that are reached with this access: of the run. */
function budgetOf(access: RegistryAccess): RetryBudget {
  const known = budgets.get(access) ?? new RetryBudget(access.retries ?? DEFAULT_RETRIES);
  budgets.set(access, known);
  return known;
}

const clients = new WeakMap<RegistryAccess, Map<string, RegistryClient>>();

/** The client of a registry; the same one for the same access object. */
export function clientOf(registry: string, access: RegistryAccess): RegistryClient {
  const known = clients.get(access) ?? new Map<string, RegistryClient>();
  clients.set(access, known);
  const client = known.get(registry) ?? new RegistryClient(registry, access);
  known.set(registry, client);
  return client;
}

function challengeOf(response: HttpResponse): string {
  return response.header("www-authenticate") ?? "";
}
