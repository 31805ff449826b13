import type { CopyPlan, PlannedCopy, PlannedPackageCopy } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatSize } from "./format-size.js";
import { type Column, formatTable } from "./format-table.js";
import { packageLabel } from "./package-label.js";

const COLUMNS: readonly Column[] = [{ title: "ACTION" }, { title: "PACKAGE" }, { title: "TO SEND", align: "right" }];

/** What a copy would do, for people: a line for each image, then totals. Ends with a line break. */
export function formatCopyPlan(plan: CopyPlan, colors: Colors): string {
  const all = [...plan.packages, ...plan.images];
  const table = formatTable(COLUMNS, [...plan.packages.map(packageRow), ...plan.images.map(imageRow)]);
  const lines = table.map((line, index) => {
    if (index === 0) return colors.bold(line);
    return isSent(all[index - 1]) ? line : colors.dim(line);
  });
  lines.push("", formatCounts(all, plan));
  if (!plan.updateIndex) lines.push("The index would be left alone.");
  return `${lines.join("\n")}\n`;
}

function packageRow(each: PlannedPackageCopy): string[] {
  return [each.action, packageLabel(`${each.name}@${each.version}`, each.hash), sizeOf(each)];
}

function imageRow(each: PlannedCopy): string[] {
  return [each.action, cleanText(each.tag), sizeOf(each)];
}

function sizeOf(each: PlannedCopy): string {
  return isSent(each) ? formatSize(each.bytes) : "-";
}

function isSent(each: PlannedCopy | undefined): boolean {
  return each?.action === "copy" || each?.action === "replace";
}

function formatCounts(all: readonly PlannedCopy[], { bytes, target }: CopyPlan): string {
  const count = (action: PlannedCopy["action"]): number => all.filter((each) => each.action === action).length;
  const parts = [`${count("copy")} to copy`];
  if (count("replace") > 0) parts.push(`${count("replace")} to replace`);
  parts.push(`${count("skip")} there already`);
  if (count("missing") > 0) parts.push(`${count("missing")} that the source lacks`);
  return `${parts.join(", ")}; ${formatSize(bytes)} to send; nothing was written to ${cleanText(target)}`;
}
