import type { ConcreteSpec, ParameterValue } from "./concrete-spec.js";

const FLAGS: ReadonlySet<string> = new Set(["cflags", "cxxflags", "fflags", "cppflags", "ldflags", "ldlibs"]);

/** Characters of a patch's checksum that are shown. */
const PATCH_LENGTH = 7;

/**
 * A spec on one line, as Spack's default format has it: the description annotation of a package's image (format page, section 2).
 * Specs of spec file version 4 and older take the form of Spack 0.2x, with compiler and `arch=`.
 */
export function formatSpec(spec: ConcreteSpec): string {
  const old = spec.specfileVersion < 5;
  const compiler = old && spec.compiler ? `%${spec.compiler.name}@=${spec.compiler.version}` : "";
  const { platform, os, target } = spec.arch;
  const arch = old ? ` arch=${platform}-${os}-${target}` : ` platform=${platform} os=${os} target=${target}`;
  return `${spec.name}@${exactVersion(spec.version)}${compiler}${formatFlags(spec)}${formatVariants(spec)}${arch}`;
}

/** Versions from git are named as they are, others with `=`, which means exactly this one. */
function exactVersion(version: string): string {
  return isGitVersion(version) ? version : `=${version}`;
}

function isGitVersion(version: string): boolean {
  return version.startsWith("git.") || /^[0-9a-f]{40}$/.test(version) || version.includes("=", 1);
}

/** Compiler flags, each behind a space: ` cflags=-O3 `. Spack puts a space behind them too, whatever follows. */
export function formatFlags(spec: ConcreteSpec): string {
  const flags = sortedParameters(spec)
    .filter(([name, value]) => FLAGS.has(name) && Array.isArray(value) && value.length > 0)
    .map(([name, value]) => ` ${name}${assignment(spec, name)}${quoteIfNeeded((value as string[]).join(" "))}`);
  return flags.length === 0 ? "" : `${flags.join("")} `;
}

/** Variants as Spack writes them: `+pic~shared build_system=generic`. Booleans first, because of what shells make of ` ~name`. */
export function formatVariants(spec: ConcreteSpec): string {
  const variants = sortedParameters(spec).filter(([name]) => !FLAGS.has(name));
  const switches = variants.filter(([, value]) => booleanOf(value) !== undefined);
  const others = variants.filter(([, value]) => booleanOf(value) === undefined);
  return [
    ...switches.map(([name, value]) => formatVariant(spec, name, value)),
    ...others.map(([name, value]) => ` ${formatVariant(spec, name, value)}`),
  ].join("");
}

/** One variant: `+pic`, `build_system=generic`. */
export function formatVariant(spec: ConcreteSpec, name: string, value: ParameterValue): string {
  const on = booleanOf(value);
  return on === undefined ? formatValue(spec, name, value) : `${sigil(spec, name, on)}${name}`;
}

function formatValue(spec: ConcreteSpec, name: string, value: ParameterValue): string {
  if (!Array.isArray(value)) return `${name}${assignment(spec, name)}${quoteIfNeeded(String(value))}`;
  const values = [...new Set(value as string[])].sort();
  const shown = name === "patches" ? values.map((patch) => patch.slice(0, PATCH_LENGTH)) : values;
  // Since 1.0 a colon marks a variant with several values as complete.
  const complete = spec.specfileVersion < 5 ? "" : ":";
  return `${name}${complete}${assignment(spec, name)}${values.length === 0 ? "*" : quoteIfNeeded(shown.join(","))}`;
}

function sortedParameters(spec: ConcreteSpec): [string, ParameterValue][] {
  return [...spec.parameters].sort(([a], [b]) => (a < b ? -1 : 1));
}

function booleanOf(value: ParameterValue): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  const word = value.toLowerCase();
  return word === "true" ? true : word === "false" ? false : undefined;
}

function sigil(spec: ConcreteSpec, name: string, on: boolean): string {
  return (on ? "+" : "~").repeat(spec.propagated.has(name) ? 2 : 1);
}

function assignment(spec: ConcreteSpec, name: string): string {
  return spec.propagated.has(name) ? "==" : "=";
}

function quoteIfNeeded(value: string): string {
  if (/^[a-zA-Z0-9,/_.-]+$/.test(value)) return value;
  return value.includes("'") ? JSON.stringify(value) : `'${value}'`;
}
