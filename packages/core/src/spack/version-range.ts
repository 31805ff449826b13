import type { TextScanner } from "./text-scanner.js";
import { compareVersions } from "./version-order.js";

/** One item of a list of versions. */
export type VersionWish =
  /** `=1.2`: exactly this version. */
  | { readonly exact: string }
  /** `git.REF`, or a commit; `=1.2` behind it is the version that it counts as. */
  | { readonly ref: string; readonly assigned?: string | undefined }
  /** `1.2:1.4`, both included, with everything that begins with `to`. `1.2` alone is 1.2:1.2. */
  | { readonly from?: string | undefined; readonly to?: string | undefined };

const GIT = /(git\.\w[\w./-]*|[A-Fa-f0-9]{40}(?![\w.-]))(?:=(\w(?:[\w.-]*\w)?))?/y;
const VERSION = /(\w(?:[\w.-]*\w)?)/y;
/** Not the name in front of a `key=value`. */
const UPPER_END = /(?![\w.-]*\s*:?=)(\w(?:[\w.-]*\w)?)/y;
const COLON = /:/y;
const COMMA = /\s*,\s*/y;
const EQUALS = /=/y;

/**
 * Reads what stands behind the `@` of a spec: versions and ranges with commas in between.
 * @throws SpkociError INVALID_ARGUMENT
 */
export function scanVersions(scanner: TextScanner): VersionWish[] {
  const wishes = [scanVersion(scanner)];
  while (scanner.take(COMMA)) wishes.push(scanVersion(scanner));
  return wishes;
}

function scanVersion(scanner: TextScanner): VersionWish {
  const git = scanner.take(GIT);
  if (git !== undefined) return { ref: refOf(git[1] ?? ""), assigned: git[2] };
  if (scanner.take(EQUALS)) return { exact: scanner.expect(VERSION, "a version such as 1.2 behind @=") };
  const from = scanner.take(VERSION)?.[1];
  if (scanner.take(COLON)) return { from, to: scanner.take(UPPER_END)?.[1] };
  return from === undefined
    ? scanner.fail("a version or a range such as 1.2, =1.2, 1.2: or 1.2:1.4")
    : { from, to: from };
}

/** Whether a concrete version, as Spack writes it, is what is asked for. */
export function matchesVersion(version: string, wish: VersionWish): boolean {
  const git = /^(?:git\.(?<branch>[^=]+)|(?<commit>[A-Fa-f0-9]{40}))(?:=(?<assigned>.*))?$/.exec(version)?.groups;
  if ("ref" in wish) {
    if (git === undefined || (git.branch ?? git.commit) !== wish.ref) return false;
    return wish.assigned === undefined || compareVersions(git.assigned ?? "", wish.assigned) === 0;
  }
  if ("exact" in wish) return git === undefined && compareVersions(version, wish.exact) === 0;
  const counts = git === undefined ? version : (git.assigned ?? git.branch ?? "");
  return isWithin(counts, wish.from, wish.to);
}

function isWithin(version: string, from: string | undefined, to: string | undefined): boolean {
  if (from !== undefined && compareVersions(version, from) < 0) return false;
  return to === undefined || compareVersions(version, to) <= 0 || beginsWith(version, to);
}

function beginsWith(version: string, prefix: string): boolean {
  const parts = partsOf(version);
  return partsOf(prefix).every((part, at) => parts[at] === part);
}

function partsOf(version: string): string[] {
  return version.match(/\d+|[A-Za-z]+/g) ?? [];
}

function refOf(written: string): string {
  return written.replace(/^git\./, "");
}
