import type { ReindexedPackage, UpdateIndexResult } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatDuration } from "./format-size.js";

/** Packages and tags that are listed by name; more are only counted. */
const LISTED = 20;

/** What update-index did, for people: tags that lead to no package, what changed, and totals. Ends with a line break. */
export function formatUpdatedIndex(result: UpdateIndexResult, colors: Colors): string {
  const { skipped, added, removed, totals, dryRun } = result;
  const lines = [
    ...listed(skipped.map(({ message }) => `${colors.yellow("skipped")} ${cleanText(message)}`)),
    ...listed(removed.map((one) => `${colors.red("-")} ${nameOf(one)}`)),
    ...listed(added.map((one) => `${colors.green("+")} ${nameOf(one)}`)),
  ];
  const counts = [
    `${totals.added} ${dryRun ? "to be added" : "added"}`,
    `${totals.removed} ${dryRun ? "to be removed" : "removed"}`,
  ];
  if (totals.skipped > 0) counts.push(`${totals.skipped} skipped`);
  return `${[...lines, `${stateOf(result)}: ${counts.join(", ")} (${totals.read} of ${totals.tags} read, ${formatDuration(totals.durationMs)})`].join("\n")}\n`;
}

function stateOf({ index, changed, dryRun }: UpdateIndexResult): string {
  if (index === undefined) return dryRun ? "no index yet" : "no packages, no index";
  const packages = `${index.packages} package${index.packages === 1 ? "" : "s"}`;
  return changed ? `index of ${packages} written` : `index of ${packages}`;
}

function nameOf({ tag, hash }: ReindexedPackage): string {
  return cleanText(tag ?? `/${hash}`);
}

function listed(lines: readonly string[]): string[] {
  if (lines.length <= LISTED) return [...lines];
  return [...lines.slice(0, LISTED), `and ${lines.length - LISTED} more`];
}
