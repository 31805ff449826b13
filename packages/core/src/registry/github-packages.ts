import * as z from "zod";
import { type Digest, isDigest } from "../base/digest.js";
import { type ErrorDetails, SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { withRetry } from "../base/retry.js";
import { formatRepository, type Repository } from "../oci/reference.js";
import type { RegistryAccess } from "./access.js";
import { createAgents } from "./agents.js";
import { resolveLocation } from "./endpoint.js";
import { parseNextLink } from "./link.js";
import { readRefusal } from "./refusal.js";
import { classifyRegistryError, protocolError, RegistryError, type RequestLabel } from "./registry-error.js";
import { Slots } from "./slots.js";
import { createTransport, discard, type HttpResponse, type Transport } from "./transport.js";

/** How GitHub's REST API is reached. */
export interface GitHubAccess {
  /** `https://api.github.com` unless told; of a GitHub Enterprise Server `https://HOST/api/v3`. */
  readonly apiUrl?: string | undefined;
  /** A token with the scopes read:packages and delete:packages; without it the password for the registry is one. */
  readonly token?: string | undefined;
}

/** One manifest of a container package. */
export interface GitHubVersion {
  readonly id: number;
  readonly digest: Digest;
  readonly tags: readonly string[];
  /** When it was pushed or tagged last, ms since 1970. */
  readonly updatedAt: number | undefined;
}

const GITHUB_API = "https://api.github.com";
const PAGE_LIMIT = 32 * 1024 * 1024;
const MAX_PAGES = 100_000;

/** GitHub asks for changes one after the other. */
const REQUESTS_AT_ONCE = 1;

const versionSchema = z.object({
  id: z.number().int().positive(),
  name: z.string(),
  created_at: z.string().optional(),
  updated_at: z.string().optional(),
  metadata: z.object({ container: z.object({ tags: z.array(z.string()).nullish() }).nullish() }).nullish(),
});

/** Whether a repository's manifests are deleted by GitHub's API: those of ghcr.io, and of any registry for which an API is named. */
export function isOfGitHub({ registry }: Repository, gitHub: GitHubAccess | undefined): boolean {
  return registry === "ghcr.io" || gitHub?.apiUrl !== undefined;
}

/**
 * The container package behind a repository `ghcr.io/OWNER/NAME` (GitHub REST API, Packages). Deleting a version deletes a manifest
 * with all of its tags.
 */
export class GitHubPackages {
  readonly #name: string;
  readonly #owner: string;
  readonly #package: string;
  readonly #api: URL;
  readonly #token: string;
  readonly #access: RegistryAccess;
  readonly #transport: Transport;
  #base: string | undefined;

  private constructor(repository: Repository, access: RegistryAccess, api: URL, token: string) {
    const [owner = "", ...name] = repository.repository.split("/");
    this.#name = formatRepository(repository);
    this.#owner = encodeURIComponent(owner);
    this.#package = encodeURIComponent(name.join("/"));
    this.#api = api;
    this.#token = token;
    this.#access = access;
    this.#transport = createTransport(access, createAgents(access), new Slots(REQUESTS_AT_ONCE));
  }

  /** @throws SpkociError AUTHENTICATION_REQUIRED without a token, INVALID_ARGUMENT for an API that is no URL */
  static async open(
    repository: Repository,
    access: RegistryAccess,
    gitHub: GitHubAccess = {},
  ): Promise<GitHubPackages> {
    const { apiUrl = GITHUB_API } = gitHub;
    if (!/^https?:\/\//.test(apiUrl) || !URL.canParse(apiUrl)) {
      throw new SpkociError("INVALID_ARGUMENT", `not the URL of an API: ${JSON.stringify(apiUrl)}`);
    }
    const token = gitHub.token || (await passwordFor(repository, access));
    if (token === undefined) {
      throw new SpkociError(
        "AUTHENTICATION_REQUIRED",
        `no token to delete from ${formatRepository(repository)} by GitHub's API`,
        {
          hint: NEEDED,
        },
      );
    }
    return new GitHubPackages(repository, access, new URL(`${apiUrl.replace(/\/+$/, "")}/`), token);
  }

  /**
   * Every manifest of the package, tagged or not.
   * @throws RegistryError; SpkociError ACCESS_DENIED if the token is known not to be for deleting
   */
  async listVersions(op?: Op): Promise<GitHubVersion[]> {
    const step = `listing the versions of ${this.#name}`;
    const versions: GitHubVersion[] = [];
    const visited = new Set<string>();
    let url = new URL(`${await this.#packageUrl(op)}/versions?per_page=100`, this.#api);
    for (;;) {
      const response = await this.#request({ step, method: "GET", url }, [200], op);
      visited.add(url.href);
      this.#checkScopes(response);
      versions.push(...parseVersions(await readJson(response, { step, method: "GET", url })));
      const link = parseNextLink(response.header("link") ?? "");
      if (link === undefined) return versions;
      const next = resolveLocation(link, url);
      // The token is for the API alone.
      if (!next || next.origin !== this.#api.origin || visited.has(next.href) || visited.size >= MAX_PAGES) {
        throw protocolError({ step, method: "GET", url }, "the pages of the list lead nowhere or in a circle");
      }
      url = next;
    }
  }

  /** A version as it is now; undefined if it is gone. */
  async readVersion(id: number, op?: Op): Promise<GitHubVersion | undefined> {
    const label = await this.#versionLabel("looking for", id, "GET", op);
    const response = await this.#request(label, [200, 404], op);
    if (response.status === 404) {
      discard(response);
      return undefined;
    }
    return parseVersions([await readJson(response, label)])[0];
  }

  /** Deletes a manifest with its tags. False if it wasn't there. */
  async deleteVersion(id: number, op?: Op): Promise<boolean> {
    const response = await this.#request(await this.#versionLabel("deleting", id, "DELETE", op), [200, 204, 404], op);
    discard(response);
    return response.status !== 404;
  }

  async #versionLabel(doing: string, id: number, method: string, op: Op | undefined): Promise<RequestLabel> {
    const url = new URL(`${await this.#packageUrl(op)}/versions/${id}`, this.#api);
    return { step: `${doing} version ${id} of ${this.#name}`, method, url };
  }

  /** The path of the package, which depends on what kind of account owns it. */
  async #packageUrl(op: Op | undefined): Promise<string> {
    if (this.#base === undefined) {
      const url = new URL(`users/${this.#owner}`, this.#api);
      const label = { step: `looking for the owner of ${this.#name}`, method: "GET", url };
      const account = (await readJson(await this.#request(label, [200], op), label)) as { type?: unknown } | null;
      const kind = account?.type === "Organization" ? "orgs" : "users";
      this.#base = `${kind}/${this.#owner}/packages/container/${this.#package}`;
    }
    return this.#base;
  }

  async #request(label: RequestLabel, expect: readonly number[], op: Op | undefined): Promise<HttpResponse> {
    const headers = { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" };
    const send = async (): Promise<HttpResponse> => {
      const response = await this.#transport({ ...label, headers, authorization: `Bearer ${this.#token}` }, op);
      if (expect.includes(response.status)) return response;
      const context = { registry: label.url.host, hadCredentials: true };
      throw await readRefusal(label, withRetryAfter(response), context, [this.#token]);
    };
    try {
      return await withRetry(label.step, send, classifyRegistryError, this.#access.retry, op);
    } catch (error) {
      throw explained(error);
    }
  }

  /** Classic tokens tell their scopes; others tell nothing. */
  #checkScopes(response: HttpResponse): void {
    const scopes = (response.header("x-oauth-scopes") ?? "").split(/[\s,]+/).filter(Boolean);
    if (scopes.length === 0 || scopes.includes("delete:packages")) return;
    throw new SpkociError(
      "ACCESS_DENIED",
      `the token may not delete from ${this.#name}: it is for ${scopes.join(", ")}`,
      {
        hint: NEEDED,
      },
    );
  }
}

const NEEDED =
  "Set GITHUB_TOKEN, or log in to the registry, with a token for read:packages and delete:packages of an account that administers the package.";

async function passwordFor({ registry, repository }: Repository, access: RegistryAccess): Promise<string | undefined> {
  const found = await access.credentials?.(registry, repository);
  return found !== undefined && "password" in found ? found.password : undefined;
}

/** GitHub tells in another header when an exhausted limit is renewed, in s since 1970. */
function withRetryAfter(response: HttpResponse): HttpResponse {
  const reset = Number(response.header("x-ratelimit-reset") ?? Number.NaN);
  const isExhausted = response.header("x-ratelimit-remaining") === "0" && Number.isFinite(reset);
  if (!isExhausted || response.header("retry-after") !== undefined) return response;
  const seconds = String(Math.max(1, Math.ceil(reset - Date.now() / 1000)));
  return { ...response, header: (name) => (name === "retry-after" ? seconds : response.header(name)) };
}

/** A refusal that a better token would avoid says so; GitHub hides what a token may not see. */
function explained(error: unknown): unknown {
  if (!(error instanceof RegistryError) || ![401, 403, 404].includes(error.status ?? 0)) return error;
  if (error.code === "REGISTRY_RATE_LIMITED") return error;
  const code = error.status === 401 ? "AUTHENTICATION_REQUIRED" : "ACCESS_DENIED";
  const details: ErrorDetails = { hint: NEEDED, cause: error };
  return new SpkociError(code, error.message, details);
}

async function readJson(response: HttpResponse, label: RequestLabel): Promise<unknown> {
  const bytes = await response.collect(PAGE_LIMIT, label.step);
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw protocolError(label, "the answer is not JSON", response.status);
  }
}

/** Entries of unknown form are passed over. */
function parseVersions(value: unknown): GitHubVersion[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry) => {
    const parsed = versionSchema.safeParse(entry);
    if (!parsed.success || !isDigest(parsed.data.name)) return [];
    const { id, name: digest, metadata, created_at, updated_at } = parsed.data;
    const time = Math.max(...[created_at, updated_at].map((text) => Date.parse(text ?? "") || 0));
    return [{ id, digest, tags: metadata?.container?.tags ?? [], updatedAt: time > 0 ? time : undefined }];
  });
}
