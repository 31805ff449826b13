import type { InstallPlan, PlannedInstall } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatSize } from "./format-size.js";
import { type Column, formatTable } from "./format-table.js";
import { packageLabel } from "./package-label.js";

const COLUMNS: readonly Column[] = [
  { title: "ACTION" },
  { title: "PACKAGE" },
  { title: "SIZE", align: "right" },
  { title: "FROM" },
];

/** What an install would do, for people: a line for each package, then totals. Ends with a line break. */
export function formatInstallPlan(plan: InstallPlan, colors: Colors): string {
  const table = formatTable(COLUMNS, plan.packages.map(rowOf));
  const lines = table.map((line, index) => {
    if (index === 0) return colors.bold(line);
    return plan.packages[index - 1]?.action === "skip" ? colors.dim(line) : line;
  });
  return `${[...lines, "", formatCounts(plan)].join("\n")}\n`;
}

function rowOf(each: PlannedInstall): string[] {
  const size = each.action === "install" ? formatSize(each.layerSize) : "-";
  const label = packageLabel(`${each.name}@${each.version}`, each.hash);
  return [each.action, label, size, cleanText(each.image ?? "-")];
}

function formatCounts({ root, packages }: InstallPlan): string {
  const wanted = packages.filter((each) => each.action === "install");
  const size = formatSize(wanted.reduce((sum, each) => sum + each.layerSize, 0));
  const skipped = packages.length - wanted.length;
  return `${wanted.length} to install (${size} of layers), ${skipped} there already; nothing was written to ${cleanText(root)}`;
}
