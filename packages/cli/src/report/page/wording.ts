/** `1 package`, `12,345 packages`. */
export function count(amount: number, one: string, many = `${one}s`): string {
  return `${formatNumber(amount)} ${amount === 1 ? one : many}`;
}

/** With commas between thousands. */
export function formatNumber(amount: number): string {
  return String(amount).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** The day, in UTC: `2026-11-21`. */
export function formatDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The minute, in UTC: `2026-11-21 03:40`. */
export function formatMinute(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}

/** `37 %`; what is above nothing is not 0. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.01) return "< 1 %";
  return `${Math.round(share * 100)} %`;
}
