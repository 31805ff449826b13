/** How deep arrays and objects of an untrusted document may lie in each other. */
export const NESTING_LIMIT = 200;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether a text, JSON or not, is nested deeper than NESTING_LIMIT. */
export function isNestedTooDeeply(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (isClosing(code)) depth -= 1;
    else if (isOpening(code)) depth += 1;
    if (depth > NESTING_LIMIT) return true;
  }
  return false;
}

/** Position behind the string that starts at `at`. */
export function endOfString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end > 0 && text.charCodeAt(end - 1) === BACKSLASH && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end + 1;
}

/** Whether an odd number of backslashes stands before `at`. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

/** `{` or `[`. */
export function isOpening(code: number): boolean {
  return code === 0x7b || code === 0x5b;
}

/** `}` or `]`. */
export function isClosing(code: number): boolean {
  return code === 0x7d || code === 0x5d;
}
