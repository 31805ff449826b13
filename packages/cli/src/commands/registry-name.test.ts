import { describe, expect, it } from "vitest";
import { parseRegistryName } from "./registry-name.js";

describe("parseRegistryName", () => {
  it.each([
    ["GHCR.io", "ghcr.io"],
    ["localhost:5000", "localhost:5000"],
    ["[::1]:5000", "[::1]:5000"],
  ])("reads %s", (text, host) => {
    expect(parseRegistryName(text)).toBe(host);
  });

  it.each(["https://ghcr.io", "ghcr.io/org", "nohost", "", "a b.c"])("refuses %j", (text) => {
    expect(() => parseRegistryName(text)).toThrow(expect.objectContaining({ code: "INVALID_REFERENCE" }));
  });
});
