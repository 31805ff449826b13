const LINK = /<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?)*)/g;
const NEXT = /;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=\s*(?:;|$)))/i;

/** The target of a Link header's `rel="next"` as it is written, with any other links and parameters around it (RFC 8288). */
export function parseNextLink(header: string): string | undefined {
  for (const [, target, parameters] of header.matchAll(LINK)) {
    if (NEXT.test(parameters ?? "")) return target;
  }
  return undefined;
}
