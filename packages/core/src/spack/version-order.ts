/** Versions that are newer than every number, oldest first. */
const INFINITE = ["stable", "nightly", "trunk", "head", "master", "main", "develop"];

/** What comes before a release, oldest first, and last the release itself. */
const STAGES = ["alpha", "beta", "rc", "final"];
const FINAL = STAGES.indexOf("final");

interface ParsedVersion {
  readonly release: readonly string[];
  readonly stage: number;
  /** Of `rc2`: 2. */
  readonly stageNumber?: string | undefined;
}

/**
 * Orders versions as Spack does: negative if `a` is older, 0 if they are the same to Spack, such as 1.2 and 1-2. Words are older than
 * numbers, `develop`, `main` and their like newer than any; `1.2rc1` is older than `1.2`. `git.REF=1.2` counts as 1.2.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const one = parseVersion(a);
  const other = parseVersion(b);
  return (
    compareLists(one.release, other.release) ||
    one.stage - other.stage ||
    compareLists(listOf(one.stageNumber), listOf(other.stageNumber))
  );
}

function parseVersion(version: string): ParsedVersion {
  const assigned = version.slice(version.lastIndexOf("=") + 1).replace(/^git\./, "");
  const parts = assigned.match(/\d+|[A-Za-z]+/g) ?? [];
  const last = parts.at(-1) ?? "";
  const numbered = STAGES.indexOf(parts.at(-2) ?? "");
  if (parts.length >= 3 && numbered >= 0 && isNumber(last)) {
    return { release: parts.slice(0, -2), stage: numbered, stageNumber: last };
  }
  const plain = STAGES.indexOf(last);
  if (parts.length >= 2 && plain >= 0) return { release: parts.slice(0, -1), stage: plain };
  return { release: parts, stage: FINAL };
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  for (const [at, part] of a.entries()) {
    const other = b[at];
    if (other === undefined) return 1;
    const order = part === other ? 0 : compareParts(part, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareParts(a: string, b: string): number {
  const kind = kindOf(a) - kindOf(b);
  if (kind !== 0) return kind;
  if (isNumber(a)) return compareNumbers(a, b);
  if (INFINITE.includes(a)) return INFINITE.indexOf(a) - INFINITE.indexOf(b);
  return compareText(a, b);
}

function kindOf(part: string): number {
  if (isNumber(part)) return 1;
  return INFINITE.includes(part) ? 2 : 0;
}

/** Numbers of any length. */
function compareNumbers(a: string, b: string): number {
  const one = a.replace(/^0+/, "");
  const other = b.replace(/^0+/, "");
  return one.length - other.length || compareText(one, other);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function isNumber(part: string): boolean {
  return /^\d/.test(part);
}

function listOf(part: string | undefined): readonly string[] {
  return part === undefined ? [] : [part];
}
