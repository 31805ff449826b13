import { describe, expect, it } from "vitest";
import { compareVersions } from "./version-order.js";

describe("compareVersions", () => {
  it("orders versions as Spack does", () => {
    const ordered = [
      "a.1",
      "sphinx",
      "0.9",
      "1.0alpha",
      "1.0-alpha.2",
      "1.0beta1",
      "1.0rc",
      "1.0rc1",
      "1.0-rc10",
      "1.0",
      "1.0.a",
      "1.0.b3",
      "1.0.0",
      "1.2",
      "1.2.1",
      "1.10",
      "2",
      "20240101123456789012",
      "20240101123456789013",
      "stable",
      "nightly",
      "trunk",
      "head",
      "master",
      "main",
      "develop",
      "develop.2",
    ];
    const mixed = ordered.toSorted(
      (a, b) => ((a.length * 7 + a.charCodeAt(0)) % 11) - ((b.length * 7 + b.charCodeAt(0)) % 11),
    );
    expect(mixed).not.toEqual(ordered);
    expect(mixed.toSorted(compareVersions)).toEqual(ordered);
  });

  it.each([
    ["1.2", "1.2"],
    ["1.2", "1-2"],
    ["1.02", "1.2"],
    ["1.0final", "1.0"],
    ["git.abcdef=1.2", "1.2"],
    ["git.main", "main"],
  ])("takes %s and %s for the same", (a, b) => {
    expect(compareVersions(a, b)).toBe(0);
  });

  it.each([
    ["develop", "9999"],
    ["1.main", "1.9"],
    ["1.2", "1.2rc3"],
    ["1.2.1", "1.2"],
    ["git.x=1.3", "1.2"],
    ["1.1", "1.a"],
  ])("takes %s for newer than %s", (newer, older) => {
    expect(compareVersions(newer, older)).toBeGreaterThan(0);
    expect(compareVersions(older, newer)).toBeLessThan(0);
  });
});
