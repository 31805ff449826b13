import {
  type CompilerUse,
  type ConcreteSpec,
  compilersOf,
  describeTree,
  formatCompiler,
  formatSpecAs,
  type SpecFormat,
} from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import { type Cell, formatColumns } from "./columns.js";
import { formatTree, nodesOf } from "./dependency-tree.js";
import { type PackageStyle, packageCell } from "./package-cell.js";
import type { Screen } from "./screen.js";

/** A package that was found in a store or in a cache. */
export interface FoundPackage {
  readonly spec: ConcreteSpec;
  /** Where it is installed. */
  readonly prefix?: string | undefined;
  /** Why it doesn't run on this machine. */
  readonly unfit?: string | undefined;
}

export interface FoundStyle extends PackageStyle {
  /** Show what each package depends on below it. */
  readonly deps: boolean;
  /** Print each package so, and nothing else. */
  readonly format?: SpecFormat | undefined;
  /** Words for a dependency that is not there. */
  readonly missing: string;
}

/** What packages are found among. */
export interface Surroundings {
  /** Finds a package by its DAG hash. */
  readonly known: (hash: string) => ConcreteSpec | undefined;
  /** Whether a package that isn't external is installed, or in the cache. */
  readonly isPresent: (hash: string) => boolean;
}

/**
 * Packages for people, as `spack find` groups them: by architecture and compiler, in columns on a terminal. Ends with a line break, unless
 * there is nothing.
 * @param packages by name and version
 */
export function formatFound(
  packages: readonly FoundPackage[],
  style: FoundStyle,
  around: Surroundings,
  screen: Screen,
): string {
  const { format } = style;
  if (format !== undefined) {
    const context = { known: around.known, clean: cleanText };
    return packages.map(({ spec, prefix }) => `${formatSpecAs(format, spec, { ...context, prefix })}\n`).join("");
  }
  const groups = new Map<string, FoundPackage[]>();
  for (const one of packages) {
    const title = titleOf(one.spec, around);
    const group = groups.get(title);
    if (group === undefined) groups.set(title, [one]);
    else group.push(one);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([title, members]) => `${formatGroup(title, members, style, around, screen).join("\n")}\n`)
    .join("\n");
}

function titleOf(spec: ConcreteSpec, { known }: Surroundings): string {
  const { platform, os, target } = spec.arch;
  return `${platform}-${os}-${target} / ${formatCompilers(compilersOf(spec, known))}`;
}

/** `%c,cxx=gcc@12.2.0`, as Spack has it. */
function formatCompilers(compilers: readonly CompilerUse[]): string {
  return compilers.length === 0 ? "no compilers" : compilers.map(formatCompiler).join(" ");
}

/** Columns that a title is filled up to on a terminal. */
const TITLE_WIDTH = 80;

function formatGroup(
  title: string,
  members: readonly FoundPackage[],
  style: FoundStyle,
  around: Surroundings,
  screen: Screen,
): string[] {
  const { colors, width } = screen;
  const rule = width === undefined ? "--" : "-".repeat(Math.max(2, Math.min(width, TITLE_WIDTH) - title.length - 4));
  const lines = [colors.bold(`-- ${cleanText(title)} ${rule}`), ...unfitNotes(members, screen)];
  if (style.deps) {
    const trees = members.map(({ spec }) => formatDependencies(spec, style, around, screen).join("\n"));
    return [...lines, trees.join("\n\n")];
  }
  const cells = members.map((one) => cellOf(one, style, screen));
  if (width === undefined || style.variants) return [...lines, ...cells.map(({ shown }) => shown)];
  return [...lines, ...formatColumns(cells, width)];
}

/** Why the packages of a group don't run here, each reason once. */
function unfitNotes(members: readonly FoundPackage[], { colors }: Screen): string[] {
  const reasons = new Set(members.flatMap(({ unfit }) => unfit ?? []));
  return [...reasons].map((reason) => colors.yellow(`   not for this machine: ${cleanText(reason)}`));
}

function cellOf({ spec, unfit }: FoundPackage, style: FoundStyle, { colors }: Screen): Cell {
  const cell = packageCell(spec, style, colors);
  return unfit === undefined ? cell : { plain: cell.plain, shown: colors.dim(cell.plain) };
}

function formatDependencies(spec: ConcreteSpec, style: FoundStyle, around: Surroundings, screen: Screen): string[] {
  const tree = describeTree({ roots: [spec], allDeps: false, ...around });
  return formatTree(nodesOf(tree), spec.hash, { ...style, kinds: false, known: around.known }, screen);
}
