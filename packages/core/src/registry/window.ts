/**
 * How many requests a registry gets at once, as its answers tell (additive increase, multiplicative decrease). Plain data; times are ms
 * of one clock.
 */
export interface Window {
  /** Requests at once; its whole part counts. From 1 to `most`. */
  readonly size: number;
  readonly most: number;
  /** When it was last made smaller. Requests that began before say nothing new. */
  readonly cutAt: number;
  /** By method: how long an answer usually takes to begin, ms. */
  readonly usual: Readonly<Record<string, number>>;
}

/** What one request tells. */
export interface Sample {
  readonly method: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** The registry asked for less, or no answer came. */
  readonly isRefused: boolean;
  /** How long it took tells of the registry: nothing large was sent. */
  readonly isTimed: boolean;
}

const REFUSED_SHARE = 1 / 2;
const SLOW_SHARE = 3 / 4;
/** An answer is slow beyond both: this long, ms, and so many times as long as usual. */
const SLOW_MS = 1000;
const SLOW_FACTOR = 4;
/** How fast `usual` follows; slow answers count less, so that they don't become usual at once. */
const FOLLOW = 1 / 8;
const FOLLOW_SLOW = 1 / 64;

/** A window that is open at first. */
export function openWindow(most: number): Window {
  return { size: most, most, cutAt: Number.NEGATIVE_INFINITY, usual: {} };
}

/**
 * The window after a request: half of it where the registry refused, three quarters where it was slow, each once for all requests that were on
 * their way then; else one more for each windowful of answers.
 */
export function adapt(window: Window, sample: Sample): Window {
  if (sample.isRefused) return cut(window, sample, REFUSED_SHARE);
  const grown = { ...window, size: Math.min(window.most, window.size + 1 / window.size) };
  if (!sample.isTimed) return grown;
  const { method } = sample;
  const tookMs = sample.endedAt - sample.startedAt;
  const usualMs = window.usual[method] ?? tookMs;
  const isSlow = tookMs > SLOW_MS && tookMs > SLOW_FACTOR * usualMs;
  const usual = { ...window.usual, [method]: usualMs + (tookMs - usualMs) * (isSlow ? FOLLOW_SLOW : FOLLOW) };
  return { ...(isSlow ? cut(window, sample, SLOW_SHARE) : grown), usual };
}

function cut(window: Window, { startedAt, endedAt }: Sample, share: number): Window {
  if (startedAt < window.cutAt) return window;
  return { ...window, size: Math.max(1, window.size * share), cutAt: endedAt };
}
