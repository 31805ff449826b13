const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar that is `share` (0 to 1) of `width` columns long; what is more than nothing has something to see. */
export function formatBar(share: number, width: number, unicode: boolean): string {
  const length = Math.min(1, Math.max(0, share)) * width;
  if (!unicode) return "#".repeat(length > 0 ? Math.max(1, Math.round(length)) : 0);
  const eighths = length > 0 ? Math.max(1, Math.round(length * 8)) : 0;
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}
