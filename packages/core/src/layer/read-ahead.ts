/**
 * Results of `task` in the order of `items`, with up to `ahead` tasks started before their results are asked for. A failure is
 * thrown when its turn comes. However the reading ends, tasks under way are awaited.
 */
export async function* readAhead<T, R>(
  items: Iterable<T>,
  ahead: number,
  task: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const waiting: Promise<R>[] = [];
  try {
    for (const item of items) {
      const started = task(item);
      started.catch(() => {});
      waiting.push(started);
      if (waiting.length > ahead) yield (await waiting.shift()) as R;
    }
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) yield await next;
  } finally {
    await Promise.allSettled(waiting);
  }
}
