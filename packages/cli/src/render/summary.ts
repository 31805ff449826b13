import type { PackageResult, PushResult } from "@spkoci/core";
import { cleanLines, cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatDuration, formatSize } from "./format-size.js";
import { type Column, formatTable } from "./format-table.js";
import { packageLabel } from "./package-label.js";

const COLUMNS: readonly Column[] = [
  { title: "IMAGE" },
  { title: "DIGEST" },
  { title: "SIZE", align: "right" },
  { title: "OUTCOME" },
  { title: "TIME", align: "right" },
];

/** What a push did, for people: a line for each package, then totals. Ends with a line break. */
export function formatSummary(result: PushResult, colors: Colors): string {
  const table = formatTable(COLUMNS, result.packages.map(rowOf));
  const lines = table.map((line, index) =>
    index === 0 ? colors.bold(line) : colorOf(result, index - 1, colors)(line),
  );
  lines.push("", formatTotals(result));
  if (result.image) lines.push(`${cleanText(result.image.image)} has them all: ${shortDigest(result.image.digest)}`);
  if (result.index) {
    const { packages } = result.index;
    lines.push(`The index names ${packages} ${packages === 1 ? "package" : "packages"}.`);
  }
  return `${lines.join("\n")}\n`;
}

/** The packages that failed, each with its error and hint; "" if there are none. Ends with a line break. */
export function formatFailures(result: PushResult, colors: Colors): string {
  const failed = result.packages.filter((each) => each.outcome === "failed");
  if (failed.length === 0) return "";
  const lines = failed.flatMap((each) => formatFailure(each, colors));
  lines.push(`spkoci: ${colors.red("error:")} ${failed.length} of ${result.packages.length} packages failed`);
  return `${lines.join("\n")}\n`;
}

function formatFailure(failed: PackageResult, colors: Colors): string[] {
  const label = packageLabel(`${failed.name}@${failed.version}`, failed.hash);
  const lines = [`spkoci: ${colors.red("error:")} ${label}: ${cleanText(failed.error?.message ?? "failed")}`];
  if (failed.error?.hint !== undefined) lines.push(`${colors.cyan("hint:")} ${cleanLines(failed.error.hint)}`);
  return lines;
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

function colorOf(result: PushResult, index: number, colors: Colors): (text: string) => string {
  const outcome = result.packages[index]?.outcome;
  if (outcome === "failed") return colors.red;
  return outcome === "skipped" ? colors.dim : (text) => text;
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
