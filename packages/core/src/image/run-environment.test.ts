import { describe, expect, it } from "vitest";
import { applyModifications } from "./run-environment.js";

describe("applyModifications", () => {
  it("gives an image without a base Spack's default PATH", () => {
    expect(applyModifications([], [])).toEqual(["PATH=/bin:/usr/bin"]);
  });

  it("puts PATH first, then the base's variables in their order, then new ones by name", () => {
    const base = ["LANG=C", "PATH=/sbin", "A=1"];
    const env = applyModifications(base, [
      { kind: "set", name: "ZED", value: "z" },
      { kind: "prepend", name: "MANPATH", value: "/man" },
    ]);
    expect(env).toEqual(["PATH=/sbin", "LANG=C", "A=1", "MANPATH=/man", "ZED=z"]);
  });

  it("prepends in order, so that the last one stands first", () => {
    const env = applyModifications(
      [],
      [
        { kind: "prepend", name: "PATH", value: "/dependency/bin" },
        { kind: "prepend", name: "PATH", value: "/package/bin" },
      ],
    );
    expect(env).toEqual(["PATH=/package/bin:/dependency/bin:/bin:/usr/bin"]);
  });

  it("lists a folder that is prepended twice once", () => {
    const twice = { kind: "prepend", name: "PATH", value: "/a/bin:/usr/bin" } as const;
    expect(applyModifications([], [twice, twice])).toEqual(["PATH=/a/bin:/usr/bin:/bin"]);
  });

  it("replaces on set, and lets overrides win over everything", () => {
    const env = applyModifications(["HOME=/root"], [{ kind: "set", name: "HOME", value: "/a=b" }], {
      PATH: "/only",
      EXTRA: "",
    });
    expect(env).toEqual(["PATH=/only", "HOME=/a=b", "EXTRA="]);
  });

  it("drops lines that set nothing and survives hostile names", () => {
    expect(applyModifications(["NOTHING", "=x", "__proto__=y"], [], { constructor: "z" })).toEqual([
      "PATH=/bin:/usr/bin",
      "__proto__=y",
      "constructor=z",
    ]);
  });
});
