/** Begins to count: each call tells the whole ms since, by a clock that no change of the system's time moves. */
export function startStopwatch(): () => number {
  const started = performance.now();
  return () => Math.round(performance.now() - started);
}
