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
  if (parts.includes("..")) return "leads out of its folder";
  if (parts.some((part) => part === "" || part === ".")) return "has an empty component";
  if (parts.some((part) => Buffer.byteLength(part) > MAX_COMPONENT)) {
    return `has a component of more than ${MAX_COMPONENT} bytes`;
  }
  if (parts.some((part) => part.startsWith(WHITEOUT))) return "is a whiteout, and below a package's layer is nothing";
  return textFaultOf(name);
}

function textFaultOf(text: string): string | undefined {
  if (CONTROL.test(text)) return "has a control character";
  return Buffer.byteLength(text) >= MAX_PATH ? `has ${MAX_PATH} bytes or more` : undefined;
}
