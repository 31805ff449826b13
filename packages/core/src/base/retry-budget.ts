/** Successes that earn as many retries again as there were at first. */
const SUCCESSES_PER_REFILL = 1000;

/**
 * Bounds the retries of a whole run: so many at first, and as many again for every 1,000 successes. A far side that is merely flaky
 * earns what it costs; one that is broken costs no more than the first ones.
 */
export class RetryBudget {
  readonly #first: number;
  #successes = 0;
  #used = 0;

  constructor(first: number) {
    this.#first = first;
  }

  /** Retries so far. */
  get used(): number {
    return this.#used;
  }

  /** Retries that are allowed by now, the used ones included. */
  get allowed(): number {
    return Math.floor(this.#first * (1 + this.#successes / SUCCESSES_PER_REFILL));
  }

  /** Takes one retry; false if none is left. */
  take(): boolean {
    if (this.#used >= this.allowed) return false;
    this.#used += 1;
    return true;
  }

  /** Something succeeded. */
  earn(): void {
    this.#successes += 1;
  }
}
