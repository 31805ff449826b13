import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { formatFailures, type PackageOutcome } from "./outcomes.js";

const plain = picocolors.createColors(false);

const zlib: PackageOutcome = { name: "zlib", version: "1.3.1", hash: "abcdefghijklmnop", outcome: "pushed" };
const broken: PackageOutcome = {
  name: "zstd",
  version: "1.5.6",
  hash: "zyxwvutsrqponmlk",
  outcome: "failed",
  error: { message: "can't read a\u001b[2Jb", hint: "Mend it." },
};

describe("formatFailures", () => {
  it("names each failed package with its error and hint, and counts them", () => {
    expect(formatFailures([zlib, broken], plain).split("\n")).toEqual([
      "spkoci: error: zstd@1.5.6/zyxwvut: can't read a\\x1b[2Jb",
      "hint: Mend it.",
      "spkoci: error: 1 of 2 packages failed",
      "",
    ]);
  });

  it("is empty if nothing failed", () => {
    expect(formatFailures([zlib], plain)).toBe("");
  });
});
