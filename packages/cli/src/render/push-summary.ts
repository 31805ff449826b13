import type { PackageResult, PushResult } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatDuration, formatSize } from "./format-size.js";
import { type Column, formatTable } from "./format-table.js";
import { outcomeColor } from "./outcomes.js";

const COLUMNS: readonly Column[] = [
  { title: "IMAGE" },
  { title: "DIGEST" },
  { title: "SIZE", align: "right" },
  { title: "OUTCOME" },
  { title: "TIME", align: "right" },
];

/** What a push did, for people: a line for each package, then totals. Ends with a line break. */
export function formatPushSummary(result: PushResult, colors: Colors): string {
  const table = formatTable(COLUMNS, result.packages.map(rowOf));
  const lines = table.map((line, index) =>
    index === 0 ? colors.bold(line) : outcomeColor(result.packages[index - 1], colors)(line),
  );
  lines.push("", formatTotals(result));
  if (result.image) lines.push(`${cleanText(result.image.image)} has them all: ${shortDigest(result.image.digest)}`);
  if (result.index) {
    const { packages } = result.index;
    lines.push(`The index names ${packages} ${packages === 1 ? "package" : "packages"}.`);
  }
  return `${lines.join("\n")}\n`;
}

function rowOf(each: PackageResult): string[] {
  return [
    cleanText(each.image),
    shortDigest(each.digest),
    each.layerSize === undefined ? "-" : formatSize(each.layerSize),
    each.outcome,
    formatDuration(each.durationMs),
  ];
}

function formatTotals({ totals }: PushResult): string {
  const counts = [`${totals.pushed} pushed`, `${totals.rewritten} rewritten`, `${totals.skipped} skipped`];
  if (totals.failed > 0) counts.push(`${totals.failed} failed`);
  return `${counts.join(", ")}; ${formatSize(totals.bytesSent)} sent in ${formatDuration(totals.durationMs)}`;
}

/** As much of a digest as tells images apart: `sha256:0123456789ab`. */
function shortDigest(digest: string | undefined): string {
  return digest === undefined ? "-" : cleanText(digest).slice(0, "sha256:".length + 12);
}
