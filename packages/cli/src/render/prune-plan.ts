import type { KeepReason, PrunedImage, PrunePlan } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatSize } from "./format-size.js";
import { type Column, formatTable } from "./format-table.js";
import { packageLabel } from "./package-label.js";

const COLUMNS: readonly Column[] = [{ title: "REMOVE" }, { title: "SIZE", align: "right" }, { title: "WHAT" }];

/** Other tags that are listed; more are only counted. */
const LISTED = 10;

const REASONS: Readonly<Record<KeepReason, string>> = {
  query: "kept by --keep",
  environment: "of an environment",
  tag: "kept by --keep-tag",
  newer: "new enough",
  "unknown-age": "of unknown age",
  grace: "written lately",
  dependency: "needed by others that stay",
  "other-tag": "with a tag of their own",
  unreadable: "unreadable",
  part: "part of an image that stays",
};

/** What a prune would remove, and what stays, for people. Ends with a line break. */
export function formatPrunePlan(plan: PrunePlan, colors: Colors, isDry: boolean): string {
  if (isEmpty(plan)) return `${[`nothing to remove from ${cleanText(plan.target)}`, ...stays(plan)].join("\n")}\n`;
  const rows = plan.images.map((image) => [nameOf(image), formatSize(image.bytes), whatOf(image)]);
  const [head = "", ...lines] = formatTable(COLUMNS, rows);
  const table = rows.length > 0 ? [colors.bold(head), ...lines, ""] : [];
  return `${[...table, ...removals(plan, isDry), ...stays(plan)].join("\n")}\n`;
}

function nameOf({ package: one, tags, digest }: PrunedImage): string {
  if (one !== undefined) return packageLabel(`${one.name}@${one.version}`, one.hash);
  return cleanText(tags[0] ?? digest);
}

function whatOf({ kind, package: one, tags }: PrunedImage): string {
  const what = kind === "package" ? "" : kind === "referrer" ? "about another image" : "image";
  // A package's own tag says nothing new.
  const isOwn = (tag: string): boolean => one !== undefined && tag.endsWith(".spack") && tag.includes(one.hash);
  const others = tags.filter((tag, at) => (one === undefined ? at > 0 : !isOwn(tag))).map(cleanText);
  const also = tags.length === 0 ? "untagged" : others.length > 0 ? `tagged ${others.join(", ")}` : "";
  return [what, also].filter(Boolean).join(", ");
}

function removals({ target, images, indexOnly, blobs, bytes }: PrunePlan, isDry: boolean): string[] {
  const packages = images.filter(({ kind }) => kind === "package").length;
  const parts = [counted(packages, "package")];
  if (images.length > packages) parts.push(counted(images.length - packages, "other image"));
  if (blobs !== undefined) parts.push(`${counted(blobs.count, "blob")} (${formatSize(blobs.bytes)})`);
  const end = isDry ? `; nothing was removed from ${cleanText(target)}` : "";
  const lines = [`${listed(parts)} to remove${end}`];
  if (indexOnly.length > 0)
    lines.push(`${counted(indexOnly.length, "package")} that only the index has, to be taken out`);
  if (blobs === undefined && images.length > 0) {
    lines.push(`${formatSize(bytes)} that nothing else needs: the registry frees them when it collects its garbage`);
  }
  return lines;
}

function isEmpty({ images, indexOnly, blobs }: PrunePlan): boolean {
  return images.length + indexOnly.length + (blobs?.count ?? 0) === 0;
}

function stays({ kept, otherTags }: PrunePlan): string[] {
  const counts = new Map<KeepReason, number>();
  for (const { why } of kept) counts.set(why, (counts.get(why) ?? 0) + 1);
  const reasons = [...counts].map(([why, count]) => `${count} ${REASONS[why]}`);
  const lines = [`${staying(kept.length, "package")}${reasons.length > 0 ? `: ${reasons.join(", ")}` : ""}`];
  if (otherTags.length === 0) return lines;
  const shown = otherTags.slice(0, LISTED).map(({ tag }) => cleanText(tag));
  const more = otherTags.length > LISTED ? [`${otherTags.length - LISTED} more`] : [];
  return [...lines, `${staying(otherTags.length, "other tag")}: ${[...shown, ...more].join(", ")}`];
}

function staying(count: number, name: string): string {
  return `${counted(count, name)} ${count === 1 ? "stays" : "stay"}`;
}

function counted(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
