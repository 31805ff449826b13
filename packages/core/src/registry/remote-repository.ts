import type { Op } from "../base/op.js";
import { formatRepository, type Repository } from "../oci/reference.js";
import type { ApiRequest, RegistryClient } from "./client.js";
import type { RequestBody } from "./request-body.js";
import type { Scope } from "./scope.js";
import type { HttpResponse } from "./transport.js";

/** A request to an endpoint of one repository. */
export interface RepositoryRequest {
  readonly step: string;
  readonly method: "DELETE" | "GET" | "HEAD" | "PATCH" | "POST" | "PUT";
  /** What follows the repository's name, such as `blobs/sha256:…`; or a URL that the registry gave. */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Statuses that are answers; any other is thrown. */
  readonly expect: readonly number[];
  /** Another repository that is read from. */
  readonly from?: string;
  /** Another request waits for this one, so it doesn't wait for a slot. */
  readonly isUrgent?: boolean;
}

const ACTIONS = {
  DELETE: "pull,push,delete",
  GET: "pull",
  HEAD: "pull",
  PATCH: "pull,push",
  POST: "pull,push",
  PUT: "pull,push",
} as const;

/** A repository behind its registry's client. */
export class RemoteRepository {
  /** For messages: `ghcr.io/org/cache`. */
  readonly name: string;
  readonly client: RegistryClient;
  readonly #repository: string;

  constructor(repository: Repository, client: RegistryClient) {
    this.name = formatRepository(repository);
    this.client = client;
    this.#repository = repository.repository;
  }

  /** Sends a request once. */
  async send(request: RepositoryRequest, op?: Op): Promise<HttpResponse> {
    return this.client.send(this.#apiRequest(request), op);
  }

  /** Sends a request, again and again where that may help. */
  async request(request: RepositoryRequest, op?: Op): Promise<HttpResponse> {
    return this.client.request(this.#apiRequest(request), op);
  }

  #apiRequest({ target, from, ...rest }: RepositoryRequest): ApiRequest {
    const scopes: Scope[] = [{ repository: this.#repository, actions: ACTIONS[rest.method] }];
    if (from !== undefined && from !== this.#repository) scopes.push({ repository: from, actions: "pull" });
    return { ...rest, scopes, target: typeof target === "string" ? `/v2/${this.#repository}/${target}` : target };
  }
}
