import type { EnvModification } from "../spack/env-modification.js";

/** What becomes of one variable. */
export interface EnvironmentVariable {
  readonly name: string;
  /** The whole value, or what comes before the current one. */
  readonly value: string;
  /** Whether the current value follows, after a colon. */
  readonly keepsCurrent: boolean;
}

/** An empty folder in MANPATH stands for the system's own manual pages. */
const SYSTEM_FOLDERS: ReadonlySet<string> = new Set(["MANPATH"]);

/** Whether a value keeps its colon before an empty current one. */
export function keepsEmpty(name: string): boolean {
  return SYSTEM_FOLDERS.has(name);
}

/** All modifications of each variable in one, in the order of their names. A folder is listed once, at the place of its last prepend. */
export function mergeModifications(modifications: readonly EnvModification[]): readonly EnvironmentVariable[] {
  const merged = new Map<string, EnvironmentVariable>();
  for (const { kind, name, value } of modifications) {
    const before = merged.get(name);
    if (kind === "set") merged.set(name, { name, value, keepsCurrent: false });
    else merged.set(name, { name, value: prepended(value, before?.value), keepsCurrent: before?.keepsCurrent ?? true });
  }
  return [...merged.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The variables of a program that runs with `modifications`.
 * @param current the variables as they are now
 */
export function applyEnvironment(
  modifications: readonly EnvModification[],
  current: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const applied = { ...current };
  for (const { name, value, keepsCurrent } of mergeModifications(modifications)) {
    const rest = keepsCurrent ? (current[name] ?? "") : "";
    applied[name] = keepsCurrent && rest === "" && keepsEmpty(name) ? `${value}:` : prepended(value, rest);
  }
  return applied;
}

function prepended(value: string, current = ""): string {
  const first = [...new Set(value.split(":"))];
  if (current === "") return first.join(":");
  return [...first, ...current.split(":").filter((folder) => !first.includes(folder))].join(":");
}
