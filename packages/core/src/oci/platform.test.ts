import { describe, expect, it } from "vitest";
import { formatPlatform, goArchitecture, parsePlatform } from "./platform.js";

describe("checklist 49: platforms", () => {
  it.each([
    ["x86_64", "amd64"],
    ["aarch64", "arm64"],
    ["x86", "386"],
    ["i686", "386"],
    ["ppc64le", "ppc64le"],
    ["ppc64", "ppc64"],
    ["riscv64", "riscv64"],
    ["arm", "arm"],
    ["sparc64", "sparc64"],
  ])("have Go's name of Spack's family %s: %s", (family, name) => {
    expect(goArchitecture(family)).toBe(name);
  });

  it("are read in either name, and written in Go's", () => {
    expect(formatPlatform(parsePlatform("linux/x86_64"))).toBe("linux/amd64");
    expect(parsePlatform("linux/arm64/v8")).toEqual({ os: "linux", architecture: "arm64", variant: "v8" });
  });

  it.each(["linux", "linux/", "/amd64", "linux/amd64/v2/x", "linux/am d64", "", "linux//v8"])(
    "are none: %j",
    (text) => {
      expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: "UNKNOWN_PLATFORM" }));
    },
  );
});
