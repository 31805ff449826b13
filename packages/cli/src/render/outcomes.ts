import { cleanLines, cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { packageLabel } from "./package-label.js";

/** What a push and an install say of each package. */
export interface PackageOutcome {
  readonly name: string;
  /** Empty, as the hash is, for an image under a tag that is no package's. */
  readonly version: string;
  /** DAG hash. */
  readonly hash: string;
  readonly outcome: string;
  /** Present if it failed. */
  readonly error?: { readonly message: string; readonly hint?: string | undefined } | undefined;
}

/** The colour of a package's line in a summary. */
export function outcomeColor(each: PackageOutcome | undefined, colors: Colors): (text: string) => string {
  if (each?.outcome === "failed") return colors.red;
  return each?.outcome === "skipped" ? colors.dim : (text) => text;
}

/** The packages that failed, each with its error and hint; "" if there are none. Ends with a line break. */
export function formatFailures(packages: readonly PackageOutcome[], colors: Colors): string {
  const failed = packages.filter((each) => each.outcome === "failed");
  if (failed.length === 0) return "";
  const lines = failed.flatMap((each) => formatFailure(each, colors));
  lines.push(`spkoci: ${colors.red("error:")} ${failed.length} of ${packages.length} packages failed`);
  return `${lines.join("\n")}\n`;
}

function formatFailure(failed: PackageOutcome, colors: Colors): string[] {
  const { name, version, hash } = failed;
  const label = packageLabel(version === "" ? name : `${name}@${version}`, hash);
  const lines = [`spkoci: ${colors.red("error:")} ${label}: ${cleanText(failed.error?.message ?? "failed")}`];
  if (failed.error?.hint !== undefined) lines.push(`${colors.cyan("hint:")} ${cleanLines(failed.error.hint)}`);
  return lines;
}
