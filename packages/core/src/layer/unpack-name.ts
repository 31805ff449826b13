import { WHITEOUT } from "./entries.js";
import { Refusal } from "./unpack-refusal.js";

/** Bytes of a path, its end included, that Linux takes (PATH_MAX). */
const MAX_PATH = 4096;
/** Bytes of one component (NAME_MAX). */
const MAX_COMPONENT = 255;
const MAX_DEPTH = 128;

/** What may follow a backslash in no terminal: C0 and C1 controls, and Unicode's own line breaks. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be found
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/;

/**
 * The components of an entry's name. Only a directory's may end with a slash.
 * @throws Refusal for a name that is empty, absolute, too long or too deep, and for components that are empty, `.`, `..`, longer than
 *   255 bytes, or hold control characters
 */
export function parseName(name: string, isDirectory: boolean): readonly string[] {
  const plain = isDirectory && name.endsWith("/") ? name.slice(0, -1) : name;
  const why = faultOf(plain);
  if (why !== undefined) throw Refusal.at(name, `its name ${why}`);
  return plain.split("/");
}

/**
 * The last component of a file's or link's name in a folder that another valid name led to.
 * @param start where it begins
 * @throws Refusal as `parseName`
 */
export function parseLast(name: string, start: number): string {
  const last = name.slice(start);
  const why = componentFaultOf(last) ?? textFaultOf(name);
  if (why !== undefined) throw Refusal.at(name, `its name ${why}`);
  return last;
}

/**
 * Checks where a symbolic link points to: anywhere, since nothing is ever written through a link.
 * @throws Refusal for targets that are empty, too long, or hold control characters
 */
export function checkTarget(target: string, entry: string): void {
  const why = target === "" ? "is empty" : textFaultOf(target);
  if (why !== undefined) throw Refusal.at(entry, `its target ${why}`);
}

function faultOf(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name.startsWith("/")) return "is absolute";
  const parts = name.split("/");
  if (parts.length > MAX_DEPTH) return `is deeper than ${MAX_DEPTH} folders`;
  for (const part of parts) {
    const why = componentFaultOf(part);
    if (why !== undefined) return why;
  }
  return textFaultOf(name);
}

function componentFaultOf(part: string): string | undefined {
  if (part === "..") return "leads out of its folder";
  if (part === "" || part === ".") return "has an empty component";
  if (isLonger(part, MAX_COMPONENT)) return `has a component of more than ${MAX_COMPONENT} bytes`;
  return part.startsWith(WHITEOUT) ? "is a whiteout, and below a package's layer is nothing" : undefined;
}

function textFaultOf(text: string): string | undefined {
  if (CONTROL.test(text)) return "has a control character";
  return isLonger(text, MAX_PATH - 1) ? `has ${MAX_PATH} bytes or more` : undefined;
}

/** Whether UTF-8 takes more bytes for it: at most three for a character. */
function isLonger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes;
}
