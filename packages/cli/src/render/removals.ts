import type { UninstallResult } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { type Column, formatTable } from "./format-table.js";
import { packageLabel } from "./package-label.js";

const COLUMNS: readonly Column[] = [{ title: "PACKAGE" }, { title: "PREFIX" }, { title: "WHY" }];

/** Packages that were removed, or would be if `isDry`, for people: a line for each, then their number. Ends with a line break. */
export function formatRemovals({ root, packages }: UninstallResult, isDry: boolean, colors: Colors): string {
  const rows = packages.map(({ name, version, hash, prefix, asked }) => [
    packageLabel(`${name}@${version}`, hash),
    cleanText(prefix),
    asked ? "named" : "dependent",
  ]);
  const [head = "", ...lines] = formatTable(COLUMNS, rows);
  const count = isDry
    ? `${packages.length} to remove; nothing was removed from ${cleanText(root)}`
    : `${packages.length} removed`;
  return `${[colors.bold(head), ...lines, "", count].join("\n")}\n`;
}
