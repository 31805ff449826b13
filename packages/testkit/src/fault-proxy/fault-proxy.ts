import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  request as requestHttp,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Fault, faultFor } from "./fault.js";

export interface FaultProxyOptions {
  /** `127.0.0.1:PORT` of the registry, plain http. */
  readonly target: string;
  /** The same seed does the same to the same requests. */
  readonly seed: number;
  /** What the other host of redirects puts in as its own `Authorization`, as a storage with signed addresses needs none. */
  readonly authorization?: string;
}

export interface FaultProxy {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** How many requests met which fault: by its kind, and for an answer `status 503`. */
  readonly faults: ReadonlyMap<string, number>;
  readonly requests: number;
  /** Requests to the other host that came with an `Authorization` of the client's. */
  readonly leaks: number;
  close(): Promise<void>;
}

/** Starts a proxy in front of a registry that does wrong on purpose: what, and to which requests, follows from its seed. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new SeededProxy(options);
  await proxy.listen();
  return proxy;
}

class SeededProxy implements FaultProxy {
  readonly faults = new Map<string, number>();
  requests = 0;
  leaks = 0;
  readonly #options: FaultProxyOptions;
  readonly #front: Server;
  /** Where redirects lead: another origin, without faults. */
  readonly #other: Server;
  readonly #seen = new Map<string, number>();

  constructor(options: FaultProxyOptions) {
    this.#options = options;
    this.#front = createServer(
      (request, response) => void this.#serve(request, response).catch(() => response.destroy()),
    );
    this.#other = createServer((request, response) => {
      if (request.headers.authorization !== undefined) this.leaks += 1;
      void this.#forward(request, response, undefined, this.#options.authorization).catch(() => response.destroy());
    });
  }

  get host(): string {
    return hostOf(this.#front);
  }

  async listen(): Promise<void> {
    for (const server of [this.#front, this.#other]) {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
  }

  async close(): Promise<void> {
    for (const server of [this.#front, this.#other]) {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.#nextFault(request);
    if (fault !== undefined) this.#count(fault);
    switch (fault?.kind) {
      case "delay":
        await sleep(fault.ms);
        return this.#forward(request, response, undefined);
      case "stall":
        request.resume();
        return;
      case "reset":
        request.socket.destroy();
        return;
      case "cut-request":
        return cutRequest(request, fault.bytes);
      case "status":
        request.resume();
        response.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
        response.end(request.method === "HEAD" ? undefined : fault.body);
        return;
      case "redirect":
      case "redirect-loop": {
        request.resume();
        const host = fault.kind === "redirect" ? hostOf(this.#other) : this.host;
        if (fault.kind === "redirect-loop") this.#repeat(request);
        response.writeHead(307, { location: `http://${host}${request.url}` });
        response.end();
        return;
      }
      default:
        return this.#forward(request, response, fault);
    }
  }

  #count(fault: Fault): void {
    const name = fault.kind === "status" ? `status ${fault.status}` : fault.kind;
    this.faults.set(name, (this.faults.get(name) ?? 0) + 1);
  }

  #nextFault(request: IncomingMessage): Fault | undefined {
    this.requests += 1;
    const method = request.method ?? "GET";
    const path = stablePath(request.url ?? "/");
    const key = `${method} ${path}`;
    if (this.#looping.has(key)) return { kind: "redirect-loop" };
    const nth = this.#seen.get(key) ?? 0;
    this.#seen.set(key, nth + 1);
    return faultFor(this.#options.seed, { method, path, nth });
  }

  /** What is led round in a circle meets the same again, for as long as a client follows. */
  readonly #looping = new Map<string, number>();

  #repeat(request: IncomingMessage): void {
    const key = `${request.method} ${stablePath(request.url ?? "/")}`;
    const left = (this.#looping.get(key) ?? 12) - 1;
    if (left > 0) this.#looping.set(key, left);
    else this.#looping.delete(key);
  }

  async #forward(
    request: IncomingMessage,
    response: ServerResponse,
    fault: Fault | undefined,
    authorization = request.headers.authorization,
  ): Promise<void> {
    const [hostname, port] = this.#options.target.split(":");
    const { authorization: _, ...headers } = request.headers;
    const onward = requestHttp({
      hostname,
      port,
      method: request.method,
      path: request.url,
      headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
      agent: false,
    });
    request.pipe(onward);
    request.once("error", () => onward.destroy());
    response.once("close", () => onward.destroy());
    const [answer] = (await once(onward, "response")) as [IncomingMessage];
    await give(answer, response, fault);
  }
}

function hostOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Upload sessions have names that no two runs share. */
function stablePath(url: string): string {
  return url.replace(/\/blobs\/uploads\/[^?]+(\?.*)?$/, (_, query: string | undefined) => {
    const digest = new URLSearchParams(query).get("digest");
    return `/blobs/uploads/session${digest === null ? "" : `?digest=${digest}`}`;
  });
}

async function cutRequest(request: IncomingMessage, bytes: number): Promise<void> {
  let left = bytes;
  for await (const chunk of request) {
    left -= (chunk as Buffer).length;
    if (left <= 0) break;
  }
  request.socket.destroy();
}

/** Hands an answer on, with what is wrong with it. */
async function give(answer: IncomingMessage, response: ServerResponse, fault: Fault | undefined): Promise<void> {
  if (fault?.kind === "lost-answer") {
    answer.resume();
    response.destroy();
    return;
  }
  const body: Buffer[] = [];
  for await (const chunk of answer) body.push(chunk as Buffer);
  let bytes: Buffer = Buffer.concat(body);
  const headers = new RawHeaders(answer);
  if (fault?.kind === "duplicate-header") headers.repeat(fault.header);
  if (fault?.kind === "missing-header") headers.remove(fault.header);
  if (fault?.kind === "flip-byte" && bytes.length > 0 && !isList(answer)) bytes = flipped(bytes, fault.at);
  if (fault?.kind === "wrong-length" && bytes.length > 0) {
    bytes = bytes.subarray(0, -1);
    headers.set("content-length", String(bytes.length));
  }
  response.writeHead(answer.statusCode ?? 502, headers.list);
  if (fault?.kind === "cut-answer" && bytes.length > 0) {
    response.write(bytes.subarray(0, Math.min(fault.bytes, bytes.length - 1)), () => response.destroy());
    return;
  }
  if (fault?.kind === "drip") {
    const size = Math.ceil(bytes.length / fault.pieces);
    for (let at = 0; at < bytes.length; at += size) {
      response.write(bytes.subarray(at, at + size));
      await sleep(fault.pauseMs);
    }
    response.end();
    return;
  }
  response.end(bytes);
}

/** Tags and referrers: nothing tells a client that a name in them is another one. */
function isList(answer: IncomingMessage): boolean {
  return !(answer.headers["docker-content-digest"] !== undefined);
}

function flipped(bytes: Buffer, share: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.floor(share * copy.length);
  copy[at] = (copy[at] ?? 0) ^ 0x01;
  return copy;
}

/** Raw headers, as pairs one after the other. */
class RawHeaders {
  list: string[];

  constructor(answer: IncomingMessage) {
    // The registry's connection is not the client's.
    this.list = [...answer.rawHeaders];
    for (const name of ["connection", "keep-alive", "transfer-encoding"]) this.remove(name);
  }

  repeat(name: string): void {
    const at = this.#at(name);
    if (at >= 0) this.list.push(this.list[at] as string, this.list[at + 1] as string);
  }

  remove(name: string): void {
    for (let at = this.#at(name); at >= 0; at = this.#at(name)) this.list.splice(at, 2);
  }

  set(name: string, value: string): void {
    this.remove(name);
    this.list.push(name, value);
  }

  #at(name: string): number {
    return this.list.findIndex((one, at) => at % 2 === 0 && one.toLowerCase() === name);
  }
}
