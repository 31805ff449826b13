import type { PlannedPackage, PushPlan } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatSize } from "./format-size.js";
import { type Column, formatTable } from "./format-table.js";
import { packageLabel } from "./package-label.js";

const COLUMNS: readonly Column[] = [
  { title: "ACTION" },
  { title: "PACKAGE" },
  { title: "LAYERS", align: "right" },
  { title: "TO READ", align: "right" },
  { title: "REASON" },
];

/** What a push would do, for people: a line for each package, then totals. Ends with a line break. */
export function formatPushPlan(plan: PushPlan, colors: Colors): string {
  const table = formatTable(COLUMNS, plan.packages.map(rowOf));
  const lines = table.map((line, index) => {
    if (index === 0) return colors.bold(line);
    return plan.packages[index - 1]?.action === "fail" ? colors.red(line) : line;
  });
  lines.push("");
  for (const base of plan.bases) {
    lines.push(`On ${cleanText(base.reference)} for ${cleanText(base.platform)}, ${base.digest}`);
  }
  lines.push(...plan.packages.flatMap(missingOf));
  if (plan.image) {
    lines.push(`${cleanText(plan.image.image)} would be one image over ${plan.image.packages.length} packages`);
  }
  lines.push(`${formatCounts(plan)}; nothing was written to ${cleanText(plan.target)}`);
  if (!plan.updateIndex) lines.push("The index would be left alone.");
  return `${lines.join("\n")}\n`;
}

function rowOf(each: PlannedPackage): string[] {
  const size = each.action === "push" ? formatSize(each.prefixSize) : "-";
  const reason = each.problem === undefined ? each.reason : each.problem.message;
  const label = packageLabel(`${each.name}@${each.version}`, each.hash);
  return [each.action, label, String(each.layers.length), size, cleanText(reason)];
}

function missingOf(each: PlannedPackage): string[] {
  if (each.missing.length === 0) return [];
  const label = packageLabel(`${each.name}@${each.version}`, each.hash);
  const missing = each.missing.map((hash) => cleanText(hash.slice(0, 7))).join(", ");
  return [`${label} would lack the layers of ${missing}, which the cache doesn't have`];
}

function formatCounts(plan: PushPlan): string {
  const count = (action: PlannedPackage["action"]): number =>
    plan.packages.filter((each) => each.action === action).length;
  const size = plan.packages.reduce((sum, each) => sum + each.prefixSize, 0);
  const parts = [`${count("push")} to push (${formatSize(size)} to read)`];
  parts.push(`${count("rewrite")} to rewrite`, `${count("skip")} there already`);
  if (count("fail") > 0) parts.push(`${count("fail")} that can't be pushed`);
  return parts.join(", ");
}
