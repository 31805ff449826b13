/** Waits that a registry asks for are obeyed up to here, ms. */
export const LONGEST_WAIT_MS = 300_000;

/** Units of Go's durations, ms. */
const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000 };

/**
 * How long an answer asks to wait, ms: its Retry-After header in seconds or as a date (RFC 9110, 10.2.3), or else GHCR's
 * `retry-after: 12.5ms` inside the error message; undefined if it asks for nothing.
 */
export function parseRetryAfter(
  header: string | undefined,
  message = "",
  now: number = Date.now(),
): number | undefined {
  return parseHeader(header?.trim() ?? "", now) ?? parseMessage(message);
}

function parseHeader(text: string, now: number): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date = /[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function parseMessage(message: string): number | undefined {
  const [, amount, unit] = /retry-after:\s*(\d+(?:\.\d+)?)\s*(ns|us|µs|μs|ms|s|m)?\b/iu.exec(message) ?? [];
  if (amount === undefined) return undefined;
  return Number(amount) * (UNITS[unit?.toLowerCase() ?? "s"] ?? 1000);
}
