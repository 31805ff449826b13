import type { PackageName, ShownBase, ShownDependency, ShownPackage } from "@spkoci/core";
import { formatCompiler } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import { formatSize } from "./format-size.js";
import { formatLayers } from "./image-layers.js";
import { formatVariables } from "./image-variables.js";
import { packageLabel } from "./package-label.js";
import type { Screen } from "./screen.js";

/** Columns of the words in front of facts. */
const LABEL_WIDTH = 12;

/** Columns of a line where there is no terminal. */
const WIDTH = 80;

/** A package's image for people: what it is, its layers, its environment, its dependencies. Ends with a line break. */
export function formatShown(image: ShownPackage, screen: Screen): string {
  const { colors, width = WIDTH } = screen;
  const { name, version, hash } = image.package;
  const title = (text: string): string => colors.bold(text);
  const blocks = [
    [title(packageLabel(`${name}@${version}`, hash)), ...factsOf(image, screen)],
    formatLayers(image, screen),
    [title("RUNS WITH"), ...runOf(image, width - 2).map((line) => `  ${cleanText(line)}`)],
    [title("DEPENDS ON"), ...image.dependencies.map((one) => `  ${formatDependency(one, screen)}`)],
  ];
  const shown = blocks.filter((lines) => lines.length > 1);
  return `${shown.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function factsOf(image: ShownPackage, { colors }: Screen): string[] {
  const { package: spec, fit, base, totals, layers } = image;
  const unpacked = totals.plainSize === null ? "" : `, ${formatSize(totals.plainSize)} unpacked`;
  const facts: [string, string | undefined][] = [
    ["image", image.image],
    ["digest", image.digest],
    ["created", image.created],
    ["spec", spec.spec],
    ["built with", spec.compilers.length === 0 ? undefined : spec.compilers.map(formatCompiler).join(" ")],
    ["runs on", `${image.platform}, ${spec.arch.os}, ${spec.arch.target}${libcText(image)}`],
    ["base image", base && baseText(base)],
    ["size", `${formatSize(totals.size)} in ${layers.length} ${layers.length === 1 ? "layer" : "layers"}${unpacked}`],
    ["needed by", image.dependents && countOf(image.dependents)],
  ];
  const here = fit.ok ? colors.green("yes") : colors.yellow(`no: ${cleanText(fit.why)}`);
  const lines = facts.flatMap(([label, text]) => (text === undefined ? [] : [fact(label, cleanText(text))]));
  const missing = image.missing.map(labelOf).join(", ");
  return [
    ...lines,
    fact("runs here", here),
    ...(missing === "" ? [] : [fact("lacks", colors.yellow(`${missing}: not in the cache, but needed to run`))]),
  ];
}

/** The image says the base's name only if it means something on another machine. */
function baseText({ name, digest }: ShownBase): string {
  if (name === undefined) return digest ?? "not named";
  return digest === undefined ? name : `${name} (${digest})`;
}

function fact(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${text}`;
}

function libcText({ libc }: ShownPackage): string {
  if (libc === "none") return "";
  return libc === "unknown" ? ", unknown C library" : `, ${libc.name} ${libc.version} or newer`;
}

/** Names that a line shows. */
const NAMES = 4;

function countOf(packages: readonly PackageName[]): string {
  if (packages.length === 0) return "nothing else in the cache";
  const names = packages.slice(0, NAMES).map(labelOf);
  const others = packages.length - names.length;
  return `${names.join(", ")}${others === 0 ? "" : ` and ${others} more`}`;
}

function labelOf({ name, version, hash }: PackageName): string {
  return packageLabel(version === undefined ? name : `${name}@${version}`, hash);
}

function runOf(image: ShownPackage, width: number): string[] {
  const { entrypoint, cmd, user, workdir, labels } = image.run;
  const words = (list: readonly string[]): string | undefined => (list.length === 0 ? undefined : JSON.stringify(list));
  const settings: [string, string | undefined][] = [
    ["entrypoint", words(entrypoint)],
    ["command", words(cmd)],
    ["user", user === "" ? undefined : user],
    ["folder", workdir === "" ? undefined : workdir],
    ...Object.entries(labels).map(([key, value]): [string, string] => ["label", `${key}=${value}`]),
  ];
  const lines = settings.flatMap(([label, text]) => (text === undefined ? [] : [fact(label, text)]));
  return [...lines, ...formatVariables(image, width)];
}

function formatDependency(one: ShownDependency, { colors, unicode }: Screen): string {
  const text = `${labelOf(one)} ${colors.dim(`(${cleanText(one.deptypes.join(", "))})`)}`;
  if (one.state === "present") return `${colors.green(unicode ? "✓" : "+")} ${text}`;
  if (one.state === "external") return `${colors.dim("e")} ${text} ${colors.dim("external")}`;
  // What was needed to build only is not missed.
  const isNeeded = one.deptypes.some((kind) => kind === "link" || kind === "run");
  return `${(isNeeded ? colors.yellow : colors.dim)("-")} ${text} ${(isNeeded ? colors.yellow : colors.dim)("not in the cache")}`;
}
