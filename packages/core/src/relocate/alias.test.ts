import { describe, expect, it } from "vitest";
import { createAliases } from "./alias.js";

describe("createAliases", () => {
  it("names a link by the last seven bytes of the old prefix, the same one each time", () => {
    const aliasOf = createAliases("/l", new Map());
    expect(aliasOf("/new/zlib", "/old/zlib-1-xyzabcdefg")).toBe("/l/abcdefg");
    expect(aliasOf("/new/zlib", "/old/zlib-1-xyzabcdefg")).toBe("/l/abcdefg");
  });

  it("gives another prefix another name", () => {
    const taken = new Map([["/l/abcdefg", "/somewhere"]]);
    const aliasOf = createAliases("/l", taken);
    expect(aliasOf("/new/a", "/old/a-zabcdefg")).toBe("/l/zabcdefg");
    expect(aliasOf("/new/b", "/old/abcdefg")).toBe("/l/2abcdefg");
    expect(aliasOf("/new/c", "/old/abcdefg")).toBe("/l/3abcdefg");
    expect(taken.get("/l/zabcdefg")).toBe("/new/a");
  });

  it("finds again what is there", () => {
    expect(createAliases("/l", new Map([["/l/x", "/new"]]))("/new", "/old/store")).toBe("/l/x");
  });

  it("takes a short name whole", () => {
    expect(createAliases("/l", new Map())("/new", "/opt/spack")).toBe("/l/spack");
  });
});
