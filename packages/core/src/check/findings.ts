import { FINDING_CODES, type FindingCode } from "./finding-codes.js";
import type { Finding } from "./result.js";

/** Whose and what a finding is. */
export type About = Omit<Finding, "code" | "severity" | "message">;

/** Adds a finding about one package, image or record. */
export type Report = (code: FindingCode, message: string, more?: About) => void;

const ORDER: ReadonlyMap<string, number> = new Map(Object.keys(FINDING_CODES).map((code, at) => [code, at]));

/** Everything that a check found. */
export class Findings {
  readonly #all: Finding[] = [];

  /** A way to add findings that are all about one thing. */
  about(about: About): Report {
    return (code, message, more) => {
      this.#all.push({ code, severity: FINDING_CODES[code][0], message, ...about, ...more });
    };
  }

  /** Marks findings as mended. */
  markRepaired(isRepaired: (finding: Finding) => boolean): void {
    for (const [at, finding] of this.#all.entries()) {
      if (isRepaired(finding)) this.#all[at] = { ...finding, repaired: true };
    }
  }

  /** By code, in the order of the table, then by tag, hash and message. */
  sorted(): Finding[] {
    return this.#all.toSorted(
      (a, b) =>
        (ORDER.get(a.code) ?? 0) - (ORDER.get(b.code) ?? 0) ||
        compare(a.tag, b.tag) ||
        compare(a.hash, b.hash) ||
        compare(a.message, b.message),
    );
  }

  some(isWanted: (finding: Finding) => boolean): boolean {
    return this.#all.some(isWanted);
  }
}

function compare(a = "", b = ""): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
