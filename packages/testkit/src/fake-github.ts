import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isDigest } from "@spkoci/core";
import type { FakeRepository } from "./fake-registry/content.js";

/** GitHub's REST API for the container package behind one repository. */
export interface FakeGitHubOptions {
  readonly owner: string;
  readonly kind: "Organization" | "User";
  /** The name of the package, with its slashes. */
  readonly name: string;
  /** What the package's versions are; deleting one deletes its manifest and tags. */
  readonly repository: FakeRepository;
  readonly token: string;
  /** What the token says that it is for; nothing unless told. */
  readonly scopes?: string | undefined;
  /** Versions of one page; 100 unless told. */
  readonly pageSize?: number;
  /** When every version was updated; 2020 unless told. */
  readonly updatedAt?: string;
  /** Answers in place of the API; asked about every request. */
  readonly faults?: (request: FakeGitHubRequest) => FakeGitHubFault | undefined;
}

export interface FakeGitHubRequest {
  readonly method: string;
  readonly path: string;
  /** The how-manieth with this method and path, from 1. */
  readonly count: number;
}

export interface FakeGitHubFault {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message: string;
}

export interface FakeGitHub {
  /** `http://127.0.0.1:PORT/api/v3`. */
  readonly url: string;
  /** Method and path of every request, in order. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** Starts the API in this process. */
export async function startFakeGitHub(options: FakeGitHubOptions): Promise<FakeGitHub> {
  const requests: string[] = [];
  const counts = new Map<string, number>();
  const ids = new Map<string, number>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://localhost");
    const method = request.method ?? "";
    const key = `${method} ${url.pathname.replace(/^\/api\/v3/, "")}`;
    requests.push(key);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const fault = options.faults?.({ method, path: url.pathname, count: counts.get(key) ?? 0 });
    if (fault) send(response, fault.status, { message: fault.message }, fault.headers);
    else answer(options, ids, request, url, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return { url: `${origin}/api/v3`, requests, close };
}

function answer(
  options: FakeGitHubOptions,
  ids: Map<string, number>,
  request: IncomingMessage,
  url: URL,
  response: ServerResponse,
): void {
  const { owner, kind, name, repository, token, scopes } = options;
  const path = url.pathname.replace(/^\/api\/v3/, "");
  if (request.headers.authorization !== `Bearer ${token}`) {
    send(response, 401, { message: "Bad credentials" });
    return;
  }
  if (path === `/users/${owner}`) {
    send(response, 200, { login: owner, type: kind });
    return;
  }
  const accounts = kind === "Organization" ? "orgs" : "users";
  const base = `/${accounts}/${owner}/packages/container/${encodeURIComponent(name)}/versions`;
  const versions = versionsOf(repository, ids, options.updatedAt ?? "2020-01-01T00:00:00Z");
  if (path === base && request.method === "GET") {
    const headers = scopes === undefined ? {} : { "x-oauth-scopes": scopes };
    sendPage(response, url, versions, options.pageSize ?? 100, headers);
    return;
  }
  const version = versions.find(({ id }) => path === `${base}/${id}`);
  if (version === undefined || request.method === "GET") {
    send(response, version === undefined ? 404 : 200, version ?? { message: "Not Found" });
    return;
  }
  repository.manifests.delete(version.name);
  for (const tag of version.metadata.container.tags) repository.tags.delete(tag);
  send(response, 204, undefined);
}

function versionsOf(repository: FakeRepository, ids: Map<string, number>, updatedAt: string) {
  return [...repository.manifests.keys()].filter(isDigest).map((name) => {
    if (!ids.has(name)) ids.set(name, 1000 + ids.size);
    const tags = [...repository.tags].filter(([, digest]) => digest === name).map(([tag]) => tag);
    const metadata = { package_type: "container", container: { tags } };
    return { id: ids.get(name) ?? 0, name, created_at: updatedAt, updated_at: updatedAt, metadata };
  });
}

function sendPage(
  response: ServerResponse,
  url: URL,
  versions: readonly unknown[],
  most: number,
  headers: Readonly<Record<string, string>>,
): void {
  const size = Math.min(most, Number(url.searchParams.get("per_page") ?? 30));
  const page = Number(url.searchParams.get("page") ?? 1);
  const next = new URL(url);
  next.searchParams.set("page", String(page + 1));
  const isLast = page * size >= versions.length;
  const link = `<${next.pathname}${next.search}>; rel="next"`;
  send(response, 200, versions.slice((page - 1) * size, page * size), { ...headers, ...(isLast ? {} : { link }) });
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
