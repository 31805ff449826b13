/** C0 and C1 controls, DEL, and the characters that reorder or break a line of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** One line that is safe to print on a terminal: whatever could steer it is shown as an escape, such as `\x1b`. */
export function cleanText(text: string): string {
  return text.replace(UNSAFE, escapeOf);
}

/** Like `cleanText`, but line breaks stay. */
export function cleanLines(text: string): string {
  return text.split(/\r?\n/).map(cleanText).join("\n");
}

/** JSON on one line in which nothing can steer a terminal; it parses to the same value. */
export function formatJsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (character) => `\\u${hexOf(character).padStart(4, "0")}`);
}

function escapeOf(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return " ";
  const hex = hexOf(character);
  return hex.length <= 2 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex}`;
}

function hexOf(character: string): string {
  return character.charCodeAt(0).toString(16);
}
