import type { Agent } from "node:http";
import { type Readable, Transform, type TransformCallback } from "node:stream";
import fetch, { type Response } from "node-fetch";
import type { Op } from "../base/op.js";
import { collect } from "../base/streams.js";
import type { RegistryAccess } from "./access.js";
import type { AgentChooser } from "./agents.js";
import { resolveLocation } from "./endpoint.js";
import { ERROR_BODY_LIMIT } from "./error-body.js";
import { formatUrl, protocolError, type RequestLabel } from "./registry-error.js";
import type { RequestBody } from "./request-body.js";
import { LONGEST_WAIT_MS, parseRetryAfter } from "./retry-after.js";
import type { Slots } from "./slots.js";
import { type UploadStream, watchUpload } from "./upload-stream.js";
import { PRODUCT } from "./user-agent.js";
import { Watch } from "./watch.js";

export interface HttpRequest extends RequestLabel {
  readonly headers?: Readonly<Record<string, string>>;
  /** The Authorization header. It goes to the origin of `url` only, not where redirects lead. */
  readonly authorization?: string | undefined;
  readonly body?: RequestBody | undefined;
  /** The body holds a secret, so a redirect to another origin is refused. */
  readonly confidential?: boolean;
  /** Another request waits for this one, perhaps with a slot of its own, so this one doesn't wait for a slot. */
  readonly isUrgent?: boolean;
}

export interface HttpResponse {
  readonly status: number;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** A header by its lower-case name; of one that may stand once and is there twice, the first. */
  readonly header: (name: string) => string | undefined;
  /**
   * The whole body, for documents. The caller calls this, `stream` or `discard`, once. Both fail with RegistryErrors or the abort's reason.
   * @throws SpkociError DOCUMENT_TOO_LARGE past `limit` bytes
   */
  readonly collect: (limit: number, what: string) => Promise<Buffer>;
  /** The body; the caller reads it to its end or destroys it. */
  readonly stream: () => Readable;
}

/**
 * Sends a request and follows its redirects, with its method and its body; any status is an answer.
 * @throws RegistryError REGISTRY_UNREACHABLE, REGISTRY_TLS, REGISTRY_PROTOCOL; what the body's source throws
 */
export type Transport = (request: HttpRequest, op?: Op) => Promise<HttpResponse>;

const DEFAULT_IDLE_TIMEOUT_MS = 120_000;
const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Headers that are lists, so that several of them are one, joined by commas (RFC 9110, 5.3). */
const LISTS = new Set(["link", "warning", "www-authenticate"]);

/**
 * `slots` limits how many requests are on their way at once, and hears how they went; each holds one until the headers of its answer are
 * here. An upload thus counts while it is sent, a download doesn't while its body comes.
 */
export function createTransport(access: RegistryAccess, agents: AgentChooser, slots: Slots): Transport {
  const idleMs = access.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS;
  const userAgent = access.userAgent ?? PRODUCT;

  async function exchange(request: HttpRequest, op: Op | undefined): Promise<HttpResponse> {
    op?.signal?.throwIfAborted();
    const agent = agents(request.url);
    // Opened without a slot: the source may be a download that needs one itself.
    const source = await openBody(request.body, op);
    const watch = new Watch(request, op);
    const upload = source && watchUpload(source, watch, idleMs, request.body?.sentBefore);
    const means: Means = { agent, watch, upload, idleMs, slots, op };
    try {
      return await slots.run(() => converse(request, means), { signal: op?.signal, isUrgent: request.isUrgent });
    } catch (error) {
      upload?.stream.destroy();
      throw error;
    }
  }

  return async (request, op) => {
    let hop: HttpRequest = { ...request, headers: { ...request.headers, "user-agent": userAgent } };
    for (let count = 0; ; count += 1) {
      const response = await exchange(hop, op);
      const location = REDIRECTS.has(response.status) ? response.header("location") : undefined;
      if (location === undefined) return response;
      discard(response);
      if (count === MAX_REDIRECTS) throw protocolError(hop, `more than ${MAX_REDIRECTS} redirects`, response.status);
      hop = redirected(hop, location, response.status);
    }
  };
}

/** Lets an answer's body go. A short one is read, so that its connection can be used again. */
export function discard(response: HttpResponse): void {
  response.collect(ERROR_BODY_LIMIT, "answer").catch(() => {});
}

async function openBody(body: RequestBody | undefined, op: Op | undefined): Promise<Readable | undefined> {
  return body?.open(op);
}

function redirected(request: HttpRequest, location: string, status: number): HttpRequest {
  const url = resolveLocation(location, request.url);
  if (!url) throw protocolError(request, "the registry redirects to an address that is not allowed", status);
  const { authorization, body, ...rest } = request;
  const sameOrigin = url.origin === request.url.origin;
  if (request.confidential && !sameOrigin) {
    throw protocolError(
      request,
      "it is redirected to another server, which is not to get the secrets it holds",
      status,
    );
  }
  const asGet = status === 303 && request.method !== "HEAD";
  return {
    ...rest,
    url,
    ...(asGet ? { method: "GET" } : { body }),
    ...(sameOrigin ? { authorization } : {}),
  };
}

interface Means {
  readonly agent: Agent;
  readonly watch: Watch;
  readonly upload: UploadStream | undefined;
  readonly idleMs: number;
  readonly slots: Slots;
  readonly op: Op | undefined;
}

async function converse(request: HttpRequest, means: Means): Promise<HttpResponse> {
  const { agent, watch, upload, idleMs, op } = means;
  const started = performance.now();
  watch.allow(idleMs);
  try {
    if (upload?.failure() !== undefined) throw upload.failure();
    const response = await fetch(request.url.href, {
      method: request.method,
      headers: headersOf(request),
      body: upload?.stream ?? null,
      redirect: "manual",
      compress: false,
      agent,
      signal: watch.signal,
    });
    const answer = received(response, request.url, watch, upload, idleMs);
    const { status } = answer;
    report(request, means, started, answer);
    const durationMs = Math.round(performance.now() - started);
    op?.emit?.({ type: "request", method: request.method, url: formatUrl(request.url), status, durationMs });
    return answer;
  } catch (error) {
    watch.cut();
    if (op?.signal?.aborted) throw op.signal.reason;
    if (upload?.failure() !== undefined) throw upload.failure();
    report(request, means, started, undefined);
    throw watch.explain(error);
  }
}

/** Tells the slots how a request went; without an answer it failed on the way. */
function report(
  request: HttpRequest,
  { slots, op }: Means,
  startedAt: number,
  answer: Pick<HttpResponse, "status" | "header"> | undefined,
): void {
  const status = answer?.status;
  const retryAfter = answer?.header("retry-after");
  const isLimited = status === 429 || status === 503 || (status === 403 && retryAfter !== undefined);
  const isRefused = status === undefined || isLimited;
  const { method, body, url } = request;
  const sample = { method, startedAt, endedAt: performance.now(), isRefused, isTimed: body === undefined };
  const waitMs = isLimited ? parseRetryAfter(retryAfter) : undefined;
  if (waitMs !== undefined && waitMs <= LONGEST_WAIT_MS) slots.pauseFor(waitMs);
  if (!slots.report(sample)) return;
  const reason = status === undefined ? "no answer" : isLimited ? String(status) : "slow answers";
  op?.emit?.({ type: "pace", registry: url.host, atOnce: slots.atOnce, reason });
}

function headersOf({ headers, authorization, body }: HttpRequest): Record<string, string> {
  return {
    "accept-encoding": "identity",
    ...headers,
    ...(body?.size === undefined ? {} : { "content-length": String(body.size) }),
    ...(authorization === undefined ? {} : { authorization }),
  };
}

function received(
  { status, headers, body }: Response,
  url: URL,
  watch: Watch,
  upload: UploadStream | undefined,
  idleMs: number,
): HttpResponse {
  const fields = headers.raw();
  const source = body as Readable;
  let failure: unknown;
  source.on("error", (error) => {
    failure ??= watch.explain(error);
  });
  watch.allow(idleMs, () => source.readableLength > 0);
  const end = (isRead: boolean): void => {
    // An answer that came before the whole request was sent leaves the connection useless.
    if (isRead && (upload === undefined || upload.stream.readableEnded)) watch.end();
    else watch.cut();
  };
  return {
    status,
    url,
    header: (name) => headerOf(fields, name),
    collect: async (limit, what) => {
      try {
        if (failure !== undefined) throw failure;
        source.on("data", () => watch.touch());
        const bytes = await collect(source, limit, what);
        end(true);
        return bytes;
      } catch (error) {
        const cause = watch.explain(error);
        end(false);
        throw cause;
      }
    },
    stream: () => {
      const passed = new Transform({
        transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
          watch.touch();
          done(null, chunk);
        },
      });
      passed.on("error", () => {});
      passed.once("close", () => end(passed.readableEnded));
      watch.allow(idleMs, () => passed.readableLength > 0);
      source.on("error", () => passed.destroy(failure as Error));
      if (failure === undefined) source.pipe(passed);
      else passed.destroy(failure as Error);
      return passed;
    },
  };
}

function headerOf(fields: Readonly<Record<string, readonly string[]>>, name: string): string | undefined {
  const values = fields[name] ?? [];
  return LISTS.has(name) && values.length > 0 ? values.join(", ") : values[0];
}
