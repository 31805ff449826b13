import { describe, expect, it } from "vitest";
import { SpkociError } from "../base/errors.js";
import { otherHashesOf, parseSpecNode } from "./spec-node.js";

const HASH = "a".repeat(32);
const OTHER = "b".repeat(32);
const NODE = { name: "zlib", version: "1.3", hash: HASH };

function parse(value: unknown) {
  return parseSpecNode(value, JSON.stringify(value), { version: 5, what: "the index", code: "DOCUMENT_INVALID" });
}

describe("a node of wrong form", () => {
  it.each<[string, unknown, string]>([
    ["a list", [], "expected an object"],
    ["null", null, "expected an object"],
    ["a name that is none", { ...NODE, name: "a b" }, "not a package name at name"],
    ["a version with a line break", { ...NODE, version: "1\n2" }, "not a version at version"],
    ["a version that is a number", { ...NODE, version: 1.3 }, "expected a string at version"],
    ["a hash that is none", { ...NODE, hash: "../../etc" }, "not a DAG hash at hash"],
    ["a system that is a list", { ...NODE, arch: { platform_os: [] } }, "expected a string at arch.platform_os"],
    ["a target without a name", { ...NODE, arch: { target: {} } }, "expected a string at arch.target.name"],
    [
      "parents of other things",
      { ...NODE, arch: { target: { name: "zen2", parents: [1] } } },
      "at arch.target.parents",
    ],
    ["variants in a list", { ...NODE, parameters: [] }, "expected an object at parameters"],
    ["an edge that is a text", { ...NODE, dependencies: ["gcc"] }, "expected an object at dependencies.0"],
    [
      "an edge without a name",
      { ...NODE, dependencies: [{ hash: OTHER }] },
      "expected a string at dependencies.0.name",
    ],
    [
      "types of an edge in a text",
      { ...NODE, dependencies: [{ name: "gcc", hash: OTHER, parameters: { deptypes: "link" } }] },
      "expected a list of strings at dependencies.0.parameters.deptypes",
    ],
    [
      "a hash of an old edge that is none",
      { ...NODE, dependencies: { gcc: { hash: "x" } } },
      "at dependencies.gcc.hash",
    ],
    ["a compiler without a version", { ...NODE, compiler: { name: "gcc" } }, "expected a string at compiler.version"],
    [
      "a version of its first form in words",
      { ...NODE, annotations: { original_specfile_version: "5" } },
      "expected a number at annotations.original_specfile_version",
    ],
  ])("%s is told with its place", (_, value, why) => {
    expect(() => parse(value)).toThrow(SpkociError);
    expect(() => parse(value)).toThrow(`the index: a node is malformed: ${why.startsWith("at ") ? "" : why}`);
    expect(() => parse(value)).toThrow(why);
  });

  it("is told in one short line, however long its keys are", () => {
    const value = { ...NODE, dependencies: { ["x".repeat(100_000)]: 7 } };
    expect(() => parse(value)).toThrow(/^.{0,200}$/);
  });
});

it("takes members that are null for absent", () => {
  const node = { ...NODE, arch: null, namespace: null, external: null, build_spec: null, compiler: null };
  expect(parse(node)).toMatchObject({ name: "zlib", arch: { platform: "unknown" }, dependencies: [] });
});

it("reads nothing that an object has from its prototype", () => {
  expect(() => parse(JSON.parse('{"__proto__": {"name": "zlib", "version": "1"}}'))).toThrow(/malformed/);
});

it("tells the hashes of other kinds, and none of other things", () => {
  expect(otherHashesOf({ hash: HASH, build_hash: OTHER, full_hash: 7 })).toEqual([HASH, OTHER]);
  expect(otherHashesOf([HASH])).toEqual([]);
});
