import type { PruneResult } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatSize } from "./format-size.js";

/** What a prune did, for people. Ends with a line break. */
export function formatPruneSummary(result: PruneResult, colors: Colors): string {
  const { confirmed, indexOnly, blobs, totals, target } = result;
  if (!confirmed) return `nothing was removed from ${cleanText(target)}\n`;
  const counts = [`${totals.removed} removed`];
  if (totals.left > 0) counts.push(colors.yellow(`${totals.left} left, because they changed meanwhile`));
  if (totals.failed > 0) counts.push(colors.red(`${totals.failed} failed`));
  if (indexOnly.length > 0) counts.push(`${indexOnly.length} taken out of the index`);
  const freed =
    blobs === undefined ? "to be freed when the registry collects its garbage" : `freed (${blobs.count} blobs)`;
  return `${counts.join(", ")}; ${formatSize(totals.bytes)} ${freed}\n`;
}
