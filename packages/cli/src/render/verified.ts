import type { VerifiedPackage, VerifyResult } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { packageLabel } from "./package-label.js";

/** What verify found, for people: the packages that differ, each with its paths and what differs, then totals. Ends with a line break. */
export function formatVerified({ packages }: VerifyResult, colors: Colors): string {
  const different = packages.filter(({ outcome }) => outcome === "different");
  const lines = different.flatMap((each) => [...formatPackage(each, colors), ""]);
  const intact = packages.filter(({ outcome }) => outcome === "intact").length;
  const counts = [`${intact} intact`, `${different.length} different`];
  const failed = packages.length - intact - different.length;
  if (failed > 0) counts.push(`${failed} failed`);
  return `${[...lines, counts.join(", ")].join("\n")}\n`;
}

function formatPackage({ name, version, hash, prefix, differences }: VerifiedPackage, colors: Colors): string[] {
  const kinds = new Map<string, string[]>();
  for (const { path, kind } of differences) kinds.set(path, [...(kinds.get(path) ?? []), kind]);
  return [
    `${colors.bold(packageLabel(`${name}@${version}`, hash))} in ${cleanText(prefix)}`,
    ...[...kinds].map(([path, found]) => `  ${cleanText(path === "" ? "." : path)}: ${found.join(", ")}`),
  ];
}
