import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { networkError, StalledError } from "./network-error.js";
import type { RequestLabel } from "./registry-error.js";

/** Watches over one request: ends it when its caller aborts or when nothing moves, and tells why it ended. */
export class Watch {
  readonly #label: RequestLabel;
  readonly #caller: AbortSignal | undefined;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(label: RequestLabel, op: Op | undefined) {
    this.#label = label;
    this.#caller = op?.signal;
    this.#caller?.addEventListener("abort", this.#onAbort);
    if (this.#caller?.aborted) this.#onAbort();
  }

  /** Ends the connection when aborted. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Allows `idleMs` from now between touches. While `isHeldUp`, it is the reader that doesn't take what has come. */
  allow(idleMs: number, isHeldUp: () => boolean = () => false): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (isHeldUp()) this.touch();
      else this.#stop.abort(new StalledError(idleMs));
    }, idleMs);
  }

  /** Something moved. */
  touch(): void {
    this.#timer?.refresh();
  }

  /** The request is over. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#caller?.removeEventListener("abort", this.#onAbort);
  }

  /** Ends a request that is not over, and with it its connection. */
  cut(): void {
    this.end();
    this.#stop.abort();
  }

  /** What a failure of the request really was: the abort's own reason, a stall, or a network error. */
  explain(error: unknown): unknown {
    if (this.#caller?.aborted) return this.#caller.reason;
    if (error instanceof SpkociError) return error;
    const { reason } = this.#stop.signal;
    return networkError(this.#label, reason instanceof StalledError ? reason : error);
  }

  readonly #onAbort = (): void => this.#stop.abort(this.#caller?.reason);
}
