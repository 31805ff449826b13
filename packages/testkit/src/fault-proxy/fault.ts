import { createHash } from "node:crypto";

/** What a proxy does to one request instead of just handing it on. Bytes count from the start of a body. */
export type Fault =
  /** It is handed on after a while. */
  | { readonly kind: "delay"; readonly ms: number }
  /** No answer, until the client gives up. */
  | { readonly kind: "stall" }
  /** The connection is closed at once. */
  | { readonly kind: "reset" }
  /** The connection is closed after so many bytes of the request's body. */
  | { readonly kind: "cut-request"; readonly bytes: number }
  /** The registry did it, and its answer never comes. */
  | { readonly kind: "lost-answer" }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  /** To another host, which hands it on; no credentials may come with it. */
  | { readonly kind: "redirect" }
  | { readonly kind: "redirect-loop" }
  /** One byte of the answer is another one; `at` is a share of its length. */
  | { readonly kind: "flip-byte"; readonly at: number }
  /** The answer's connection is closed after so many bytes. */
  | { readonly kind: "cut-answer"; readonly bytes: number }
  /** The answer says that it is shorter by a byte than it is, and is cut there. */
  | { readonly kind: "wrong-length" }
  /** The answer comes in small pieces. */
  | { readonly kind: "drip"; readonly pieces: number; readonly pauseMs: number }
  | { readonly kind: "duplicate-header"; readonly header: string }
  | { readonly kind: "missing-header"; readonly header: string };

/** What a fault depends on, and nothing else: so the same seed does the same to the same requests, in whatever order they come. */
export interface FaultedRequest {
  readonly method: string;
  /** Path and query, without what a registry makes up for an upload. */
  readonly path: string;
  /** Which request of this method and path it is, from 0. */
  readonly nth: number;
}

/** The share of requests that meet a fault, by seed: few, some, many. */
const SHARES = [0.06, 0.15, 0.35];

/** The fault that a request meets under this seed; undefined for most. */
export function faultFor(seed: number, request: FaultedRequest): Fault | undefined {
  const dice = new Dice(`${seed} ${request.method} ${request.path} ${request.nth}`);
  if (dice.share() >= (SHARES[seed % SHARES.length] as number)) return undefined;
  const makers = request.method === "GET" ? [...ANY, ...READ] : sendsBody(request.method) ? [...ANY, ...SENT] : ANY;
  return dice.pick(makers)(dice);
}

function sendsBody(method: string): boolean {
  return method === "PUT" || method === "PATCH";
}

type MakeFault = (dice: Dice) => Fault;

const ANY: readonly MakeFault[] = [
  (dice) => ({ kind: "delay", ms: dice.below(80) }),
  () => ({ kind: "stall" }),
  () => ({ kind: "reset" }),
  () => ({ kind: "lost-answer" }),
  (dice) => dice.pick(REFUSALS)(dice),
  (dice) => dice.pick(REFUSALS)(dice),
  () => ({ kind: "redirect" }),
  () => ({ kind: "redirect-loop" }),
  (dice) => ({ kind: "duplicate-header", header: dice.pick(HEADERS) }),
  (dice) => ({ kind: "missing-header", header: dice.pick(HEADERS) }),
];

const READ: readonly MakeFault[] = [
  (dice) => ({ kind: "flip-byte", at: dice.share() }),
  (dice) => ({ kind: "cut-answer", bytes: dice.below(20_000) }),
  () => ({ kind: "wrong-length" }),
  (dice) => ({ kind: "drip", pieces: 2 + dice.below(6), pauseMs: 1 + dice.below(20) }),
];

const SENT: readonly MakeFault[] = [(dice) => ({ kind: "cut-request", bytes: dice.below(20_000) })];

const HEADERS = ["location", "docker-content-digest", "content-type", "content-length", "range", "www-authenticate"];

const REFUSALS: readonly MakeFault[] = [
  () => refusal(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="faults"' }),
  () => refusal(408, "UNKNOWN"),
  () => refusal(425, "UNKNOWN"),
  () => refusal(429, "TOOMANYREQUESTS", { "retry-after": "0" }),
  () => refusal(429, "TOOMANYREQUESTS", { "retry-after": "Thu, 01 Jan 2026 00:00:00 GMT" }),
  () => ({ ...refusal(429, "TOOMANYREQUESTS"), body: errorBody("TOOMANYREQUESTS", "retry-after: 12.5ms, allowed: 1") }),
  () => ({ ...refusal(403, "DENIED"), body: errorBody("DENIED", "You have exceeded a secondary rate limit") }),
  () => refusal(500, "UNKNOWN"),
  () => refusal(502, "UNKNOWN"),
  () => refusal(503, "UNAVAILABLE", { "retry-after": "0" }),
  () => ({ ...refusal(503, "UNAVAILABLE"), body: "<html>try again</html>" }),
];

function refusal(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): Fault & { kind: "status" } {
  return { kind: "status", status, headers, body: errorBody(code, "a fault on purpose") };
}

function errorBody(code: string, message: string): string {
  return JSON.stringify({ errors: [{ code, message }] });
}

/** Throws that look random and are the same for the same text. */
class Dice {
  readonly #text: string;
  #throws = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** From 0 to 1, 1 excluded. */
  share(): number {
    this.#throws += 1;
    return createHash("sha256").update(`${this.#text} ${this.#throws}`).digest().readUInt32LE(0) / 2 ** 32;
  }

  /** A whole number from 0 to `end`, `end` excluded. */
  below(end: number): number {
    return Math.floor(this.share() * end);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}
