import type { CheckResult, Finding } from "@spkoci/core";
import pc from "picocolors";
import { describe, expect, it } from "vitest";
import { formatChecked } from "./checked.js";

const plain = pc.createColors(false);
const HASH = "abcdefghijklmnopqrstuvwxyz234567";

function result(findings: readonly Finding[], totals: Partial<CheckResult["totals"]> = {}): CheckResult {
  const none = { packages: 0, images: 0, records: 0, blobs: 0, bytesRead: 0, errors: 0, warnings: 0, notes: 0 };
  return { source: "oci:/c", level: "blobs", findings, totals: { ...none, repaired: 0, durationMs: 100, ...totals } };
}

const missing: Finding = {
  code: "BLOB_MISSING",
  severity: "error",
  message: "there is no blob",
  package: "zlib@1.3",
  hash: HASH,
  tag: "zlib.spack",
  images: 7,
};

describe("formatChecked", () => {
  it("says that nothing is wrong, and how much was looked at", () => {
    const text = formatChecked(
      result([], { packages: 1, images: 2, records: 9, blobs: 3, bytesRead: 2048 }),
      false,
      plain,
    );
    expect(text).toBe(
      "level blobs: 1 package, 2 other images, 9 records, 3 blobs, 2.0 KiB read in 0.1 s\nnothing wrong\n",
    );
    expect(formatChecked(result([]), false, plain)).toBe("level blobs: nothing there in 0.1 s\nnothing wrong\n");
  });

  it("groups findings by kind, with the way to mend them", () => {
    const tag: Finding = { code: "MANIFEST_MISSING", severity: "error", message: "none", tag: "tools" };
    const record: Finding = { code: "REF_COUNT_WRONG", severity: "warning", message: "ref_count is 1", hash: HASH };
    const text = formatChecked(result([tag, missing, record], { errors: 2, warnings: 1 }), false, plain);
    expect(text.split("\n")).toEqual([
      expect.stringMatching(/^error: MANIFEST_MISSING A tag/),
      "  tools: none",
      expect.stringMatching(/^hint: Push the package again/),
      "",
      expect.stringMatching(/^error: BLOB_MISSING A layer/),
      "  zlib@1.3/abcdefg: there is no blob (needed by 7 images)",
      expect.stringMatching(/^hint: Push the package/),
      "",
      expect.stringMatching(/^warning: REF_COUNT_WRONG /),
      `  /${HASH}: ref_count is 1`,
      expect.stringMatching(/^hint: `--repair` counts anew/),
      "",
      "level blobs: nothing there in 0.1 s",
      "2 errors, 1 warning",
      "",
    ]);
  });

  it("gives no hint for what was mended", () => {
    const text = formatChecked(result([{ ...missing, repaired: true }], { repaired: 1 }), false, plain);
    expect(text).toContain("(needed by 7 images) repaired\n");
    expect(text).not.toContain("hint:");
    expect(text).toMatch(/\n1 repaired\n$/);
  });

  it("shows the first of many, and all if asked", () => {
    const many = result(Array.from({ length: 30 }, () => missing));
    expect(formatChecked(many, false, plain)).toContain("  and 10 more, which --verbose shows\n");
    expect(formatChecked(many, false, plain).match(/zlib@1.3/g)).toHaveLength(20);
    expect(formatChecked(many, true, plain).match(/zlib@1.3/g)).toHaveLength(30);
  });

  it("lets nothing of a cache steer the terminal", () => {
    const hostile = "\u001b[2J\n\u202e";
    const finding: Finding = { ...missing, package: hostile, tag: hostile, message: hostile };
    const { package: _package, ...unnamed } = finding;
    const text = formatChecked(result([finding, unnamed]), false, plain);
    expect([..."\u001b\u202e"].filter((character) => text.includes(character))).toEqual([]);
    expect(text.split("\n")).toHaveLength(8);
  });
});
