import { type CheckResult, FINDING_CODES, type Finding, type FindingCode } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatDuration, formatSize } from "./format-size.js";
import { packageLabel } from "./package-label.js";

/** Lines of one kind of finding that are shown, unless all are asked for. */
const SHOWN = 20;

/** What check found, for people: by kind, with what it means and how it is mended, then totals. Ends with a line break. */
export function formatChecked(result: CheckResult, isVerbose: boolean, colors: Colors): string {
  const groups = new Map<FindingCode, Finding[]>();
  for (const finding of result.findings) {
    const group = groups.get(finding.code);
    if (group === undefined) groups.set(finding.code, [finding]);
    else group.push(finding);
  }
  const limit = isVerbose ? Number.POSITIVE_INFINITY : SHOWN;
  const lines = [...groups].flatMap(([code, group]) => [...formatGroup(code, group, limit, colors), ""]);
  return `${[...lines, ...formatTotals(result, colors)].join("\n")}\n`;
}

function formatGroup(code: FindingCode, findings: readonly Finding[], limit: number, colors: Colors): string[] {
  const [severity, , meaning, remedy] = FINDING_CODES[code];
  const color = severity === "error" ? colors.red : severity === "warning" ? colors.yellow : colors.dim;
  const shown = findings.slice(0, limit).map((finding) => formatFinding(finding, colors));
  const more = findings.length - shown.length;
  const isMended = findings.every(({ repaired }) => repaired);
  return [
    `${color(`${severity}:`)} ${colors.bold(code)} ${meaning}`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more, which --verbose shows`] : []),
    ...(isMended ? [] : [`${colors.cyan("hint:")} ${remedy}`]),
  ];
}

function formatFinding({ package: name, hash, tag, message, images, repaired }: Finding, colors: Colors): string {
  const label = name === undefined ? cleanText(tag ?? `/${hash ?? ""}`) : packageLabel(name, hash ?? "");
  const needed = images === undefined ? "" : ` (needed by ${images} images)`;
  const mended = repaired ? ` ${colors.green("repaired")}` : "";
  return `  ${label}: ${cleanText(message)}${needed}${mended}`;
}

function formatTotals({ level, totals }: CheckResult, colors: Colors): string[] {
  const { packages, images, records, blobs, bytesRead, errors, warnings, notes, repaired, durationMs } = totals;
  const counts: readonly (readonly [number, string, string])[] = [
    [packages, "package", "packages"],
    [images, "other image", "other images"],
    [records, "record", "records"],
    [blobs, "blob", "blobs"],
  ];
  const named = counts
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => `${count} ${count === 1 ? one : many}`);
  const read = bytesRead > 0 ? `, ${formatSize(bytesRead)} read` : "";
  const looked = `level ${level}: ${named.join(", ") || "nothing there"}${read} in ${formatDuration(durationMs)}`;
  const found = [
    ...(errors > 0 ? [colors.red(plural(errors, "error"))] : []),
    ...(warnings > 0 ? [colors.yellow(plural(warnings, "warning"))] : []),
    ...(notes > 0 ? [plural(notes, "note")] : []),
    ...(repaired > 0 ? [colors.green(`${repaired} repaired`)] : []),
  ];
  return [looked, found.length === 0 ? colors.green("nothing wrong") : found.join(", ")];
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
