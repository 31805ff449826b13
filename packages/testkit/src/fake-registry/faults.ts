import type { IncomingHttpHeaders } from "node:http";

/** Which server of the fake a request went to. */
export type FakeServer = "registry" | "token" | "storage";

/** What a fault hook gets to see, before the request's body is read. */
export interface FaultRequest {
  readonly server: FakeServer;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The how-manieth request with this method and path it is, from 1. All upload sessions of a repository count as one path. */
  readonly count: number;
}

/** What goes wrong with one request. Members may be combined. */
export interface Fault {
  /** Wait this long before anything else, ms. */
  readonly delayMs?: number;
  /** Wait this long between carrying the request out and answering, ms. */
  readonly replyDelayMs?: number;
  /** Answer this instead of the true answer; nothing is carried out. */
  readonly status?: number;
  /** With `status` the answer's headers; else they replace those of the true answer, null removes one, a list sends it several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  /** The body that goes with `status`; an object is sent as JSON. */
  readonly body?: string | object;
  /** Answer `status` before the request's body was read. */
  readonly early?: boolean;
  /** Told how many bytes of the request's body have come, after each piece; the next is read when the promise resolves. */
  readonly onBytes?: (bytes: number) => Promise<void> | void;
  /** Break the connection once so many bytes of the request's body came; a PATCH keeps them. */
  readonly resetAfter?: number;
  /** Carry the request out, then break the connection without an answer. */
  readonly loseReply?: boolean;
  /** Break the connection after so many bytes of the answer's body. */
  readonly cutAfter?: number;
  /** Flip one bit in the answer's body. */
  readonly corrupt?: boolean;
}

export type FaultHook = (request: FaultRequest) => Fault | undefined;

/** The key that `FaultRequest.count` counts by. */
export function countKey(method: string, path: string): string {
  return `${method} ${path.replace(/(\/blobs\/uploads\/).+$/, "$1*")}`;
}
