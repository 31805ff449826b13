import { describe, expect, it } from "vitest";
import { applyEnvironment, mergeModifications } from "./environment.js";

describe("mergeModifications", () => {
  it("makes one of all modifications of a variable, each folder at its last prepend", () => {
    const merged = mergeModifications([
      { kind: "prepend", name: "PATH", value: "/a" },
      { kind: "prepend", name: "PATH", value: "/b" },
      { kind: "prepend", name: "PATH", value: "/a" },
      { kind: "prepend", name: "A", value: "/lost" },
      { kind: "set", name: "A", value: "/x" },
    ]);
    expect(merged).toEqual([
      { name: "A", value: "/x", keepsCurrent: false },
      { name: "PATH", value: "/a:/b", keepsCurrent: true },
    ]);
  });
});

describe("applyEnvironment", () => {
  it("puts folders first, each once, and leaves other variables alone", () => {
    const applied = applyEnvironment([{ kind: "prepend", name: "PATH", value: "/a" }], { PATH: "/b:/a", HOME: "/h" });
    expect(applied).toEqual({ PATH: "/a:/b", HOME: "/h" });
  });

  it("adds no empty folder, but the one that stands for the system's manual pages", () => {
    const modifications = ["LIBRARIES", "MANPATH"].map((name) => ({ kind: "prepend", name, value: "/a" }) as const);
    expect(applyEnvironment(modifications, { MANPATH: "" })).toEqual({ LIBRARIES: "/a", MANPATH: "/a:" });
  });

  it("replaces what is set", () => {
    expect(applyEnvironment([{ kind: "set", name: "X", value: "1" }], { X: "2" })).toEqual({ X: "1" });
  });
});
