import { oneLine } from "./error-body.js";

/** The most of a Warning header that is read, characters (distribution-spec, Warnings). */
const LIMIT = 4096;

/** The texts of `299 - "…"` warnings, fit to be shown (RFC 7234, 5.5). */
export function parseWarnings(header: string | undefined): string[] {
  const texts = (header ?? "").slice(0, LIMIT).matchAll(/(?:^|,)\s*299\s+\S+\s+"((?:[^"\\]|\\.)*)"/g);
  return [...texts].map(([, quoted = ""]) => oneLine(quoted.replace(/\\(.)/g, "$1"))).filter(Boolean);
}
