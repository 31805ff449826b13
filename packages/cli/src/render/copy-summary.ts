import type { CopiedImage, CopiedPackage, CopyResult } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatDuration, formatSize } from "./format-size.js";
import { type Column, formatTable } from "./format-table.js";
import { packageLabel } from "./package-label.js";

const COLUMNS: readonly Column[] = [
  { title: "PACKAGE" },
  { title: "OUTCOME" },
  { title: "SENT", align: "right" },
  { title: "TIME", align: "right" },
];

/** What a copy did, for people: a line for each image, then totals. Ends with a line break. */
export function formatCopySummary(result: CopyResult, colors: Colors): string {
  const all = [...result.packages, ...result.images];
  const table = formatTable(COLUMNS, [...result.packages.map(packageRow), ...result.images.map(imageRow)]);
  const lines = table.map((line, index) => (index === 0 ? colors.bold(line) : colorOf(all[index - 1], colors)(line)));
  lines.push("", formatTotals(result));
  if (result.index) {
    const { packages } = result.index;
    lines.push(`The index names ${packages} ${packages === 1 ? "package" : "packages"}.`);
  }
  return `${lines.join("\n")}\n`;
}

function packageRow(each: CopiedPackage): string[] {
  return [packageLabel(`${each.name}@${each.version}`, each.hash), ...cellsOf(each)];
}

function imageRow(each: CopiedImage): string[] {
  return [cleanText(each.tag), ...cellsOf(each)];
}

function cellsOf({ outcome, bytesSent, durationMs }: CopiedImage): string[] {
  return [outcome, outcome === "copied" ? formatSize(bytesSent) : "-", formatDuration(durationMs)];
}

function colorOf(each: CopiedImage | undefined, colors: Colors): (text: string) => string {
  if (each?.outcome === "failed") return colors.red;
  return each?.outcome === "copied" ? (text) => text : colors.dim;
}

function formatTotals({ totals, target }: CopyResult): string {
  const { copied, skipped, missing, failed, referrers, bytesSent, archiveSize, durationMs } = totals;
  const counts = [`${copied} copied`, `${skipped} skipped`];
  if (missing > 0) counts.push(`${missing} that the source lacks`);
  if (failed > 0) counts.push(`${failed} failed`);
  if (referrers > 0) counts.push(`${referrers} that refer to them`);
  const where = archiveSize === undefined ? cleanText(target) : `${cleanText(target)} (${formatSize(archiveSize)})`;
  return `${counts.join(", ")}; ${formatSize(bytesSent)} sent to ${where} in ${formatDuration(durationMs)}`;
}
