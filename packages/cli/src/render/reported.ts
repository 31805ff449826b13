import type { CacheReport } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import { formatSize } from "./format-size.js";

/** What a report is about and where it is, for people. Ends with a line break. */
export function formatReported(file: string, { totals }: CacheReport): string {
  const { packages, broken, storedSize, unsharedSize } = totals;
  const facts = [
    `${packages} ${packages === 1 ? "package" : "packages"}`,
    `${formatSize(storedSize)} stored`,
    `${formatSize(unsharedSize - storedSize)} saved by sharing layers`,
  ];
  if (broken > 0) facts.push(`${broken} ${broken === 1 ? "image" : "images"} can't be read`);
  return `${cleanText(file)}: ${facts.join(", ")}\n`;
}
