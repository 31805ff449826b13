import type { Op } from "./op.js";

interface Flight {
  readonly landing: Promise<void>;
  readonly stop: AbortController;
  passengers: number;
}

/**
 * One task per key at a time: callers that come while it runs share it and its outcome. Each caller's signal takes only that caller
 * out; the task itself is aborted when the last one has left, and that one waits until the task has cleaned up.
 * Nothing is remembered once the task has ended.
 */
export class SharedFlights<K> {
  readonly #flights = new Map<K, Flight>();

  /** `task` gets the signal of the flight and the `emit` of the caller that started it. */
  async run(key: K, task: (op: Op) => Promise<void>, op: Op = {}): Promise<void> {
    op.signal?.throwIfAborted();
    const flight = this.#board(key, task, op);
    flight.passengers += 1;
    try {
      await landedOrAborted(flight.landing, op.signal);
    } finally {
      flight.passengers -= 1;
      if (op.signal?.aborted && flight.passengers === 0) {
        flight.stop.abort(op.signal.reason);
        await flight.landing.catch(() => {});
      }
    }
  }

  #board(key: K, task: (op: Op) => Promise<void>, op: Op): Flight {
    const running = this.#flights.get(key);
    if (running && !running.stop.signal.aborted) return running;
    const stop = new AbortController();
    const earlier = running ? running.landing.catch(() => {}) : Promise.resolve();
    const landing = earlier.then(() => task({ signal: stop.signal, emit: op.emit }));
    const flight = { landing, stop, passengers: 0 };
    this.#flights.set(key, flight);
    const forget = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    landing.then(forget, forget);
    return flight;
  }
}

/** Settles like `landing`, or rejects with the reason of an abort that comes first. */
async function landedOrAborted(landing: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return landing;
  let leave: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    leave = () => reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
  });
  try {
    await Promise.race([landing, aborted]);
  } finally {
    if (leave) signal.removeEventListener("abort", leave);
  }
}
