import type { EnvModification } from "../spack/env-modification.js";

/** Where programs are found in an image that says nothing itself. */
const DEFAULT_PATH = "/bin:/usr/bin";

/**
 * The config's `Env` after `modifications` in their order, then `overrides`. PATH comes first, then what `base` has
 * in its order, then new variables by name. A prepended folder is listed once, at the place of its last prepend.
 * Lines of `base` without `=` are dropped.
 */
export function applyModifications(
  base: readonly string[],
  modifications: readonly EnvModification[],
  overrides: Readonly<Record<string, string>> = {},
): string[] {
  const known = new Map<string, string>([["PATH", DEFAULT_PATH]]);
  for (const line of base) {
    const equals = line.indexOf("=");
    if (equals > 0) known.set(line.slice(0, equals), line.slice(equals + 1));
  }
  const added = new Map<string, string>();
  const set = (name: string, value: string): void => {
    (known.has(name) ? known : added).set(name, value);
  };
  for (const { kind, name, value } of modifications) {
    set(name, kind === "set" ? value : prepended(value, known.get(name) ?? added.get(name)));
  }
  for (const [name, value] of Object.entries(overrides)) set(name, value);
  const sorted = [...added].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...known, ...sorted].map(([name, value]) => `${name}=${value}`);
}

function prepended(value: string, current: string | undefined): string {
  const first = [...new Set(value.split(":"))];
  if (current === undefined || current === "") return first.join(":");
  const rest = current.split(":").filter((folder) => !first.includes(folder));
  return [...first, ...rest].join(":");
}
