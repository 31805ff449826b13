import type { IncomingHttpHeaders } from "node:http";

/** A request that has arrived whole. */
export interface FakeRequest {
  readonly method: string;
  /** Path without the query, as sent. */
  readonly path: string;
  /** Query with its question mark, as sent; empty if there is none. */
  readonly search: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface FakeReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** An answer in the distribution-spec's error format. */
export function errorReply(status: number, code: string, message: string, detail?: unknown): FakeReply {
  const body = JSON.stringify({ errors: [{ code, message, detail }] });
  return { status, headers: { "content-type": "application/json" }, body: Buffer.from(body) };
}

export function jsonReply(value: unknown, headers: Record<string, string> = {}): FakeReply {
  const body = Buffer.from(JSON.stringify(value));
  return { status: 200, headers: { "content-type": "application/json", ...headers }, body };
}

export const UNSUPPORTED: FakeReply = errorReply(405, "UNSUPPORTED", "the operation is unsupported");
