import { describe, expect, it } from "vitest";
import type { ConcreteSpec } from "./concrete-spec.js";
import { matchesQuery, parseSpecQuery } from "./spec-query.js";

function specOf(version: string): ConcreteSpec {
  return { name: "py-numpy", version, hash: "abcdefg2345", namespace: "builtin" } as ConcreteSpec;
}

const matches = (version: string, query: string): boolean => matchesQuery(specOf(version), parseSpecQuery(query));

describe("parseSpecQuery", () => {
  it.each([
    ["zlib", { name: "zlib" }],
    ["zlib@1.2", { name: "zlib", version: "1.2" }],
    ["zlib@=1.2", { name: "zlib", version: "1.2", exact: true }],
    ["zlib/abc", { name: "zlib", hash: "abc" }],
    ["zlib@1.2/abc", { name: "zlib", version: "1.2", hash: "abc" }],
    ["/abc", { hash: "abc" }],
    ["builtin.zlib", { namespace: "builtin", name: "zlib" }],
    ["my.repo.zlib@1", { namespace: "my.repo", name: "zlib", version: "1" }],
    ["py-x@git.main=1.2", { name: "py-x", version: "git.main=1.2" }],
  ])("reads %s", (text, expected) => {
    expect(parseSpecQuery(text)).toMatchObject(expected);
  });

  it.each([
    "",
    "zlib+shared",
    "zlib~shared",
    "zlib%gcc",
    "zlib ^gmake",
    "zlib build_system=generic",
    "zlib@1.2:",
    "zlib@1.2,1.3",
    "@1.2",
    "/",
    "zlib/",
    "/ABC",
    "a\u001b[2J",
    "../x",
  ])("refuses %j and says what can be written", (text) => {
    expect(() => parseSpecQuery(text)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", hint: expect.stringContaining("/hash") }),
    );
  });
});

describe("matchesQuery", () => {
  it("takes a version for the beginning of one, component by component", () => {
    expect(matches("1.26.4", "py-numpy@1")).toBe(true);
    expect(matches("1.26.4", "py-numpy@1.26")).toBe(true);
    expect(matches("1.26.4", "py-numpy@1.26.4")).toBe(true);
    expect(matches("1.26.4", "py-numpy@1.2")).toBe(false);
    expect(matches("1.26.4", "py-numpy@1.26.4.1")).toBe(false);
    expect(matches("develop", "py-numpy@develop")).toBe(true);
  });

  it("takes @= for exactly this version", () => {
    expect(matches("1.26.4", "py-numpy@=1.26")).toBe(false);
    expect(matches("1.26", "py-numpy@=1.26")).toBe(true);
  });

  it("counts a version from git as the one it is assigned to, and by its whole name", () => {
    expect(matches("git.main=1.26", "py-numpy@1.26")).toBe(true);
    expect(matches("git.main=1.26", "py-numpy@git.main=1.26")).toBe(true);
    expect(matches("git.main=1.26", "py-numpy@main")).toBe(false);
  });

  it("compares name, namespace and the beginning of the hash", () => {
    expect(matches("1", "numpy")).toBe(false);
    expect(matches("1", "builtin.py-numpy")).toBe(true);
    expect(matches("1", "other.py-numpy")).toBe(false);
    expect(matches("1", "/abc")).toBe(true);
    expect(matches("1", "py-numpy/abd")).toBe(false);
  });
});
