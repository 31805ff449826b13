import { adapt, openWindow, type Sample, type Window } from "./window.js";

export interface SlotOptions {
  /** Ends the waiting with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Another request of the same registry waits for this one, so it doesn't wait itself. */
  readonly isUrgent?: boolean | undefined;
}

/**
 * Lets tasks run a few at once, in the order in which they came. How many adapts to what their ends tell (window.ts); while the registry
 * asks for a pause, none begins but urgent ones.
 */
export class Slots {
  readonly #waiting = new Set<() => void>();
  #window: Window;
  #running = 0;
  #pausedUntil = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `most`: tasks at once, when all is well. */
  constructor(most: number) {
    this.#window = openWindow(most);
  }

  /** Tasks at once by now. */
  get atOnce(): number {
    return Math.floor(this.#window.size);
  }

  /** Runs a task when it is its turn. */
  async run<T>(task: () => Promise<T>, { signal, isUrgent = false }: SlotOptions = {}): Promise<T> {
    signal?.throwIfAborted();
    if (!isUrgent && !this.#isFree()) await this.#turn(signal);
    else this.#running += 1;
    try {
      return await task();
    } finally {
      this.#running -= 1;
      this.#admit();
    }
  }

  /** Takes note of how a request went; true if fewer run at once from now on. */
  report(sample: Sample): boolean {
    const before = this.atOnce;
    this.#window = adapt(this.#window, sample);
    this.#admit();
    return this.atOnce < before;
  }

  /** Nothing begins for so many ms. */
  pauseFor(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + ms);
  }

  #isFree(): boolean {
    return this.#waiting.size === 0 && this.#running < this.atOnce && performance.now() >= this.#pausedUntil;
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.delete(begin);
        this.#admit();
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiting.add(begin);
      this.#admit();
    });
  }

  /** Lets those begin whose turn it is; during a pause, looks again at its end. */
  #admit(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.size === 0) return;
    const leftMs = this.#pausedUntil - performance.now();
    if (leftMs > 0) {
      this.#timer = setTimeout(() => this.#admit(), Math.ceil(leftMs));
      return;
    }
    for (const begin of this.#waiting) {
      if (this.#running >= this.atOnce) return;
      this.#waiting.delete(begin);
      this.#running += 1;
      begin();
    }
  }
}
