import { setMaxListeners } from "node:events";
import pLimit from "p-limit";

/** Runs at most `concurrency` tasks at once; the others wait in order. */
export type Limiter = <T>(task: () => Promise<T>) => Promise<T>;

export function createLimiter(concurrency: number): Limiter {
  const limit = pLimit(concurrency);
  return (task) => limit(task);
}

/**
 * Runs `task` over `items`, at most `concurrency` at once, and keeps their order in the result.
 * On the first failure the signal that tasks got is aborted, tasks under way are awaited, and the failure is thrown;
 * tasks not started never are. An abort of `signal` does the same with its reason.
 */
export async function mapConcurrently<T, R>(
  items: Iterable<T>,
  concurrency: number,
  task: (item: T, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
  const stop = new AbortController();
  const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  // Each task may listen: many listeners are no leak here.
  setMaxListeners(0, both);
  if (!(concurrency >= 1)) throw new RangeError(`not a number of tasks at once: ${concurrency}`);
  const all = [...items];
  const waiting = all.entries();
  const results: R[] = [];
  // Nothing is made for items that wait: promises for thousands of them would grow old, and so be collected late.
  const work = async (): Promise<void> => {
    while (!both.aborted) {
      const next = waiting.next();
      if (next.done) return;
      const [at, item] = next.value;
      try {
        results[at] = await task(item, both);
      } catch (error) {
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, all.length) }, work));
  if (both.aborted) throw both.reason;
  return results;
}

/**
 * One flight per key: while a task for a key runs, or once it has succeeded, later callers get its result.
 * A failed flight is forgotten, so that the next caller tries anew.
 */
export class Flights<K, V> {
  readonly #flights = new Map<K, Flight<V>>();

  /**
   * `signal` is the caller's own. A caller that waits for another's flight stops waiting when it is aborted; if the other was
   * aborted instead, the waiting caller takes the flight over with its own task.
   */
  async run(key: K, task: () => Promise<V>, signal?: AbortSignal): Promise<V> {
    for (;;) {
      signal?.throwIfAborted();
      const flight = this.#flights.get(key);
      if (!flight) return this.#start(key, task, signal);
      try {
        return await unlessAborted(flight.result, signal);
      } catch (error) {
        if (!flight.signal?.aborted) throw error;
      }
    }
  }

  /** The next caller for `key` runs its task, even while another's is under way. */
  forget(key: K): void {
    this.#flights.delete(key);
  }

  /** Forgets every key. */
  clear(): void {
    this.#flights.clear();
  }

  async #start(key: K, task: () => Promise<V>, signal: AbortSignal | undefined): Promise<V> {
    const flight: Flight<V> = { result: task(), signal };
    this.#flights.set(key, flight);
    try {
      return await flight.result;
    } catch (error) {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
      throw error;
    }
  }
}

interface Flight<V> {
  readonly result: Promise<V>;
  readonly signal: AbortSignal | undefined;
}

/** The result, unless the signal is aborted first: then its reason is thrown. What is awaited goes on by itself. */
export async function unlessAborted<V>(result: Promise<V>, signal: AbortSignal | undefined): Promise<V> {
  if (!signal) return result;
  let stop = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
