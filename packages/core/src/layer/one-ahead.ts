/** The items of a source, the next of which is asked for before it is its turn. */
export async function* oneAhead<T>(source: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
  const ask = (): Promise<IteratorResult<T, void>> => {
    const asked = source.next();
    // A failure is thrown where it is awaited.
    asked.catch(() => {});
    return asked;
  };
  try {
    for (let next = ask(); ; ) {
      const { value, done } = await next;
      if (done) return;
      next = ask();
      yield value;
    }
  } finally {
    await source.return();
  }
}
