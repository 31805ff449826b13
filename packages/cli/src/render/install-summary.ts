import type { InstalledPackage, InstallResult } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatDuration, formatSize } from "./format-size.js";
import { type Column, formatTable } from "./format-table.js";
import { outcomeColor } from "./outcomes.js";
import { packageLabel } from "./package-label.js";

const COLUMNS: readonly Column[] = [
  { title: "PACKAGE" },
  { title: "PREFIX" },
  { title: "OUTCOME" },
  { title: "TIME", align: "right" },
];

/** What an install did, for people: a line for each package, then totals. Ends with a line break. */
export function formatInstallSummary({ packages, totals }: InstallResult, colors: Colors): string {
  const table = formatTable(COLUMNS, packages.map(rowOf));
  const lines = table.map((line, index) =>
    index === 0 ? colors.bold(line) : outcomeColor(packages[index - 1], colors)(line),
  );
  return `${[...lines, "", formatTotals(totals)].join("\n")}\n`;
}

function rowOf({ name, version, hash, prefix, outcome, durationMs }: InstalledPackage): string[] {
  return [packageLabel(`${name}@${version}`, hash), cleanText(prefix ?? "-"), outcome, formatDuration(durationMs)];
}

function formatTotals({ installed, skipped, failed, bytesFetched, durationMs }: InstallResult["totals"]): string {
  const counts = [`${installed} installed`, `${skipped} skipped`];
  if (failed > 0) counts.push(`${failed} failed`);
  return `${counts.join(", ")}; ${formatSize(bytesFetched)} fetched in ${formatDuration(durationMs)}`;
}
