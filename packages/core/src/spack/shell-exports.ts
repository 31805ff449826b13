import { SpkociError } from "../base/errors.js";

const ASSIGNMENT = /^export ([A-Za-z_][A-Za-z0-9_]*)=/;

/**
 * Reads the `export NAME=value;` lines that Spack prints for a POSIX shell. Quotes, escapes and newlines in values are undone;
 * `$` stands for itself, since Spack means the text. Other lines are passed over.
 * @throws SpkociError SPACK_FAILED for a quote that isn't closed
 */
export function parseShellExports(output: string): Map<string, string> {
  const variables = new Map<string, string>();
  let at = 0;
  while (at < output.length) {
    const [assignment, name] = ASSIGNMENT.exec(output.slice(at, at + 1000)) ?? [];
    if (assignment === undefined || name === undefined) {
      at = lineEnd(output, at) + 1;
      continue;
    }
    const { word, end } = readWord(output, at + assignment.length, name);
    variables.set(name, word);
    at = lineEnd(output, end) + 1;
  }
  return variables;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

/** One word of shell, up to a space, newline or semicolon outside of quotes. */
function readWord(text: string, from: number, name: string): { word: string; end: number } {
  let word = "";
  let at = from;
  while (at < text.length && !/[\s;]/.test(text[at] ?? "")) {
    const char = text[at] ?? "";
    if (char === "'" || char === '"') {
      const quoted = readQuoted(text, at, name);
      word += quoted.word;
      at = quoted.end;
    } else if (char === "\\") {
      word += text[at + 1] ?? "";
      at += 2;
    } else {
      word += char;
      at += 1;
    }
  }
  return { word, end: at };
}

function readQuoted(text: string, from: number, name: string): { word: string; end: number } {
  const quote = text[from];
  let word = "";
  for (let at = from + 1; at < text.length; at += 1) {
    const char = text[at] ?? "";
    if (char === quote) return { word, end: at + 1 };
    const escaped = quote === '"' && char === "\\" && /["\\$`]/.test(text[at + 1] ?? "");
    if (escaped) at += 1;
    word += text[at] ?? "";
  }
  throw new SpkociError("SPACK_FAILED", `spack printed a value of ${name} whose quote isn't closed`);
}
