import { describe, expect, it } from "vitest";
import { TextScanner } from "./text-scanner.js";
import { matchesVersion, scanVersions } from "./version-range.js";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

const matches = (version: string, wanted: string): boolean =>
  scanVersions(new TextScanner(wanted)).some((wish) => matchesVersion(version, wish));

describe("scanVersions", () => {
  it.each([
    ["1.2", [{ from: "1.2", to: "1.2" }]],
    ["=1.2", [{ exact: "1.2" }]],
    ["1.2:1.4", [{ from: "1.2", to: "1.4" }]],
    ["1.2:", [{ from: "1.2", to: undefined }]],
    [":1.4", [{ from: undefined, to: "1.4" }]],
    [":", [{ from: undefined, to: undefined }]],
    ["1.2 , =1.3,1.5:", [{ from: "1.2", to: "1.2" }, { exact: "1.3" }, { from: "1.5", to: undefined }]],
    ["git.release/2.x", [{ ref: "release/2.x", assigned: undefined }]],
    ["git.main=1.26", [{ ref: "main", assigned: "1.26" }]],
    [`${COMMIT}=develop`, [{ ref: COMMIT, assigned: "develop" }]],
  ])("reads %s", (text, expected) => {
    expect(scanVersions(new TextScanner(text))).toEqual(expected);
  });
});

describe("scanVersions before a variant", () => {
  it("doesn't take the variant's name for the end of a range", () => {
    const scanner = new TextScanner("1.2:foo=bar");
    expect(scanVersions(scanner)).toEqual([{ from: "1.2", to: undefined }]);
    expect(scanner.take(/foo=/y)).toBeDefined();
  });
});

describe("matchesVersion", () => {
  it("takes a version for the beginning of one, component by component", () => {
    expect(matches("1.26.4", "1")).toBe(true);
    expect(matches("1.26.4", "1.26")).toBe(true);
    expect(matches("1.26.4", "1.26.4")).toBe(true);
    expect(matches("1.26.4", "1.2")).toBe(false);
    expect(matches("1.26.4", "1.26.4.1")).toBe(false);
    expect(matches("develop", "develop")).toBe(true);
  });

  it("takes = for exactly this version, however its separators are written", () => {
    expect(matches("1.26.4", "=1.26")).toBe(false);
    expect(matches("1.26", "=1.26")).toBe(true);
    expect(matches("1-26", "=1.26")).toBe(true);
  });

  it.each(["1.2", "1.2.3", "1.3", "1.4", "1.4.9"])("finds %s between 1.2 and 1.4", (version) => {
    expect(matches(version, "1.2:1.4")).toBe(true);
  });

  it.each(["1.1.9", "1.2rc1", "1.5", "1.40", "develop"])("doesn't find %s between 1.2 and 1.4", (version) => {
    expect(matches(version, "1.2:1.4")).toBe(false);
  });

  it("leaves an open end open", () => {
    expect(matches("develop", "1.2:")).toBe(true);
    expect(matches("1.1", "1.2:")).toBe(false);
    expect(matches("1.4.1", ":1.4")).toBe(true);
    expect(matches("1.5", ":1.4")).toBe(false);
    expect(matches("anything", ":")).toBe(true);
  });

  it("takes one of a list", () => {
    for (const version of ["1.2.1", "1.4", "9"]) expect(matches(version, "1.2,1.4:")).toBe(true);
    expect(matches("1.3", "1.2,1.4:")).toBe(false);
  });

  it("counts a version from git as the one it is assigned to, and knows it by its reference", () => {
    expect(matches("git.main=1.26", "1.26")).toBe(true);
    expect(matches("git.main=1.26", "1.27:")).toBe(false);
    expect(matches("git.main=1.26", "=1.26")).toBe(false);
    expect(matches("git.main=1.26", "git.main=1.26")).toBe(true);
    expect(matches("git.main=1.26", "git.main=1.27")).toBe(false);
    expect(matches("git.main=1.26", "git.main")).toBe(true);
    expect(matches("git.main=1.26", "git.other")).toBe(false);
    expect(matches("git.main=1.26", "main")).toBe(false);
    expect(matches("git.main", "main")).toBe(true);
    expect(matches(`${COMMIT}=1.2`, COMMIT)).toBe(true);
    expect(matches(`git.${COMMIT}=1.2`, COMMIT)).toBe(true);
    expect(matches("1.26", "git.main=1.26")).toBe(false);
  });
});
