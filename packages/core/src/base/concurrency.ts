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
  const limit = pLimit(concurrency);
  const runs = [...items].map((item) =>
    limit(async () => {
      both.throwIfAborted();
      try {
        return await task(item, both);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    }),
  );
  const settled = await Promise.allSettled(runs);
  if (both.aborted) throw both.reason;
  return settled.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}

/**
 * One flight per key: while a task for a key runs, or once it has succeeded, later callers get its result.
 * A failed flight is forgotten, so that the next caller tries anew.
 */
export class Flights<K, V> {
  readonly #flights = new Map<K, Promise<V>>();

  run(key: K, task: () => Promise<V>): Promise<V> {
    const running = this.#flights.get(key);
    if (running) return running;
    const flight = task();
    this.#flights.set(key, flight);
    flight.catch(() => this.#flights.delete(key));
    return flight;
  }
}
