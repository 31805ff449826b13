import type { PackageName, ShownPackage } from "@spkoci/core";

/** Columns in front of a continued line. */
const INDENT = 4;

/**
 * The variables of an image, `NAME=value`, with `<package>` in the place of its install prefix. Lists of folders that are longer than a
 * line go on in the next one.
 */
export function formatVariables({ run, layers }: ShownPackage, width: number): string[] {
  const owners = layers.flatMap((layer) => layer.package ?? []).filter(({ name }) => name !== "");
  return run.env.flatMap((line) => {
    const parts = line.split(/([:=])/).map((part) => (part.startsWith("/") ? shorten(part, owners) : part));
    return wrap(parts.join(""), width);
  });
}

/** The last folder of a prefix ends with the package's hash. */
function shorten(path: string, owners: readonly PackageName[]): string {
  for (const owner of owners) {
    const at = path.indexOf(owner.hash);
    const rest = path.slice(at + owner.hash.length);
    if (at > 0 && (rest === "" || rest.startsWith("/"))) return `<${nameAmong(owner, owners)}>${rest}`;
  }
  return path;
}

function nameAmong({ name, hash }: PackageName, owners: readonly PackageName[]): string {
  const isAlone = owners.every((other) => other.name !== name || other.hash === hash);
  return isAlone ? name : `${name}/${hash.slice(0, 7)}`;
}

/** Breaks a line behind colons. */
function wrap(line: string, width: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const part of line.split(/(?<=:)/)) {
    if (current.trim() !== "" && current.length + part.length > width) {
      lines.push(current);
      current = " ".repeat(INDENT);
    }
    current += part;
  }
  return [...lines, current];
}
