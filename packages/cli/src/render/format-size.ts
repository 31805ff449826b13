const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes for people: `512 B`, `1.5 KiB`, `104 MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // What would be rounded to 1024 belongs to the next unit.
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Bytes in a time as a rate: `12.5 MiB/s`; "" if no time went by. */
export function formatRate(bytes: number, ms: number): string {
  return ms > 0 ? `${formatSize((bytes * 1000) / ms)}/s` : "";
}

/** Milliseconds for people: `0.3 s`, `42 s`, `3m 05s`, `2h 07m`. */
export function formatDuration(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${twoDigits(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${twoDigits(minutes % 60)}m`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
