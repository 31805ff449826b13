import type { EnvModification } from "../spack/env-modification.js";
import { type EnvironmentVariable, keepsEmpty, mergeModifications } from "./environment.js";

/** The language that an environment is written in. */
export type EnvironmentShell = "sh" | "csh" | "fish";

/**
 * A script that changes the environment of the shell that reads it, one variable after the other. What is prepended comes before the
 * value that the shell has at that time. Ends with a line break unless empty.
 */
export function formatEnvironment(modifications: readonly EnvModification[], shell: EnvironmentShell): string {
  return mergeModifications(modifications).map(FORMATS[shell]).join("");
}

const FORMATS: Readonly<Record<EnvironmentShell, (variable: EnvironmentVariable) => string>> = {
  sh: formatSh,
  csh: formatCsh,
  fish: formatFish,
};

function formatSh({ name, value, keepsCurrent }: EnvironmentVariable): string {
  const current = keepsEmpty(name) ? `:\${${name}-}` : `\${${name}:+:$${name}}`;
  return `export ${name}=${quoteSh(value)}${keepsCurrent ? `"${current}"` : ""}\n`;
}

/** A simple `if` replaces variables before it decides, so a variable must be there before its value is named. */
function formatCsh({ name, value, keepsCurrent }: EnvironmentVariable): string {
  if (!keepsCurrent) return `setenv ${name} ${quoteCsh(value)}\n`;
  const colon = keepsEmpty(name) ? "" : `if ( "$${name}" != '' ) `;
  return [
    `if ( ! $?${name} ) setenv ${name} ''`,
    `${colon}setenv ${name} ":\${${name}}"`,
    `setenv ${name} ${quoteCsh(value)}"\${${name}}"`,
    "",
  ].join("\n");
}

function formatFish({ name, value, keepsCurrent }: EnvironmentVariable): string {
  if (!keepsCurrent) return `set -gx ${name} ${quoteFish(value)}\n`;
  const folders = value.split(":").map(quoteFish).join(" ");
  const system = keepsEmpty(name) ? `test -n "$${name}"; or set -gx --path ${name} ''\n` : "";
  return `${system}set -gx --path ${name} ${folders} $${name}\n`;
}

function quoteSh(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** In csh a `!` and a line break need a backslash even between quotes. */
function quoteCsh(text: string): string {
  return `'${text.replaceAll("'", "'\\''").replace(/[!\n]/g, "\\$&")}'`;
}

function quoteFish(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
