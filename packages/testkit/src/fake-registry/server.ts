import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Guard } from "./auth.js";
import { contentReply } from "./blobs.js";
import { FakeRepository } from "./content.js";
import { errorReply, type FakeReply, type FakeRequest } from "./exchange.js";
import { countKey, type FakeServer, type Fault, type FaultHook } from "./faults.js";
import type { FakeRegistryOptions } from "./options.js";
import { answerRoute, needsOf, parseRoute } from "./routes.js";
import { faultReply, readBody, sendReply } from "./wire.js";

/** A request that came, in order of arrival. */
export interface RecordedRequest {
  readonly server: FakeServer;
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Bytes of the body that have come so far. */
  readonly bodyBytes: number;
  /** The status answered; undefined while unanswered and when the connection was broken instead. */
  readonly status: number | undefined;
}

/** A registry in this process, on a port of 127.0.0.1. */
export interface FakeRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** `http://…` or `https://…`, no slash at the end. */
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  /** The most connections that were open at the same time. */
  readonly mostConnections: number;
  /** May be set and replaced at any time. */
  faults: FaultHook | undefined;
  /** A repository's content; an unknown name is an empty repository. */
  repository(name: string): FakeRepository;
  /** Requests of a method whose path matches, those that faults answered included. */
  requestsOf(method: string, path: RegExp): RecordedRequest[];
  clearRequests(): void;
  close(): Promise<void>;
}

type Answer = (request: FakeRequest) => FakeReply;
type Recorded = { -readonly [key in keyof RecordedRequest]: RecordedRequest[key] };

/** Starts a registry that implements the distribution-spec in memory, as its options bend it. */
export async function startFakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const fake = new Fake(options);
  await fake.start();
  return fake;
}

class Fake implements FakeRegistry {
  host = "";
  url = "";
  readonly requests: Recorded[] = [];
  mostConnections = 0;
  faults: FaultHook | undefined;
  readonly #options: FakeRegistryOptions;
  readonly #repositories = new Map<string, FakeRepository>();
  readonly #counts = new Map<string, number>();
  readonly #servers: Server[] = [];
  #connections = 0;
  #guard: Guard = new Guard(undefined, "");
  #storageUrl = "";

  constructor(options: FakeRegistryOptions) {
    this.#options = options;
    this.faults = options.faults;
  }

  async start(): Promise<void> {
    const { tls, auth, redirectBlobs } = this.#options;
    const scheme = tls ? "https" : "http";
    this.host = await this.#listen((path) => (path === "/token" ? "token" : "registry"));
    this.url = `${scheme}://${this.host}`;
    this.#guard = new Guard(auth, `${this.url}/token`);
    if (redirectBlobs) this.#storageUrl = `${scheme}://${await this.#listen(() => "storage")}`;
  }

  repository(name: string): FakeRepository {
    const known = this.#repositories.get(name) ?? new FakeRepository(name);
    this.#repositories.set(name, known);
    return known;
  }

  requestsOf(method: string, path: RegExp): RecordedRequest[] {
    return this.requests.filter((request) => request.method === method && path.test(request.path));
  }

  clearRequests(): void {
    this.requests.length = 0;
    this.#counts.clear();
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    }
  }

  async #listen(serverOf: (path: string) => FakeServer): Promise<string> {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      this.#serve(request, response, serverOf).catch((error: unknown) => {
        sendReply(response, { status: 500, body: Buffer.from(String(error)) });
      });
    };
    const { tls } = this.#options;
    const server = tls ? createTlsServer({ key: tls.key, cert: tls.cert }, listener) : createServer(listener);
    server.on("connection", (socket) => {
      this.#connections += 1;
      this.mostConnections = Math.max(this.mostConnections, this.#connections);
      socket.once("close", () => {
        this.#connections -= 1;
      });
    });
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    serverOf: (path: string) => FakeServer,
  ): Promise<void> {
    const { method = "GET", headers, url = "/" } = request;
    const [path = "", ...rest] = url.split("?");
    const search = rest.length > 0 ? `?${rest.join("?")}` : "";
    const query = new URLSearchParams(search);
    const server = serverOf(path);
    const recorded: Recorded = { server, method, path, query, headers, bodyBytes: 0, status: undefined };
    this.requests.push(recorded);
    const fault = this.#faultFor(recorded) ?? {};
    if (fault.delayMs !== undefined) await sleep(fault.delayMs);
    const instead = faultReply(fault);
    if (instead && fault.early) {
      recorded.status = instead.status;
      sendReply(response, instead, fault);
      return;
    }
    const { body, whole } = await readBody(request, fault.resetAfter, (bytes) => {
      recorded.bodyBytes = Math.min(bytes, fault.resetAfter ?? bytes);
      return fault.onBytes?.(bytes);
    });
    const arrived: FakeRequest = { method, path, search, query, headers, body };
    if (!whole || fault.resetAfter !== undefined) {
      this.#keepPartOfChunk(arrived);
      request.socket.resetAndDestroy();
      return;
    }
    const reply = instead ?? this.#answerOf(server)(arrived);
    if (fault.replyDelayMs !== undefined) await sleep(fault.replyDelayMs);
    if (fault.loseReply) {
      request.socket.resetAndDestroy();
      return;
    }
    recorded.status = reply.status;
    sendReply(response, reply, fault);
  }

  #faultFor(request: RecordedRequest): Fault | undefined {
    const key = countKey(request.method, request.path);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return this.faults?.({ ...request, count });
  }

  #answerOf(server: FakeServer): Answer {
    if (server === "token") return (request) => this.#guard.answerToken(request);
    return server === "storage" ? (request) => this.#answerStorage(request) : (request) => this.#answerApi(request);
  }

  #answerApi(request: FakeRequest): FakeReply {
    const route = parseRoute(request.path);
    if (!route) return errorReply(404, "NAME_INVALID", "no such path, or an invalid repository name");
    const refused = this.#guard.refuse(request, needsOf(request, route));
    if (refused) return refused;
    const redirected = route.kind === "blob" && request.method === "GET" && this.#storageUrl !== "";
    if (redirected && this.repository(route.repository).blobs.has(route.reference)) {
      const location = `${this.#storageUrl}/${route.repository}/${route.reference}?signature=secret%2Bvalue`;
      return { status: 307, headers: { location } };
    }
    return answerRoute(request, route, (name) => this.repository(name), this.#options, this.url);
  }

  #answerStorage(request: FakeRequest): FakeReply {
    if (request.headers.authorization !== undefined) {
      return { status: 400, body: Buffer.from("<Error><Code>InvalidArgument</Code></Error>") };
    }
    if (request.search !== "?signature=secret%2Bvalue") {
      return { status: 403, body: Buffer.from("<Error><Code>SignatureDoesNotMatch</Code></Error>") };
    }
    const [, name = "", digest = ""] = /^\/(.+)\/([^/]+)$/.exec(request.path) ?? [];
    const bytes = this.repository(name).blobs.get(digest);
    return bytes ? contentReply(request, bytes, digest, this.#options) : { status: 404 };
  }

  /** Registries keep what came of a PATCH that broke off. */
  #keepPartOfChunk(request: FakeRequest): void {
    const route = parseRoute(request.path);
    if (request.method !== "PATCH" || route?.kind !== "upload") return;
    const repository = this.repository(route.repository);
    const session = repository.uploads.get(route.reference);
    if (session) repository.appendUpload(session, request.body);
  }
}
