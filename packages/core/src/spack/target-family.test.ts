import { describe, expect, it } from "vitest";
import { familyOfTarget } from "./target-family.js";

describe("familyOfTarget", () => {
  it.each([
    ["x86_64", "x86_64"],
    ["x86_64_v4", "x86_64"],
    ["zen2", "x86_64"],
    ["icelake", "x86_64"],
    ["aarch64", "aarch64"],
    ["armv8.4a", "aarch64"],
    ["m1", "aarch64"],
    ["neoverse_v2", "aarch64"],
    ["power9le", "ppc64le"],
    ["power9", "ppc64"],
    ["riscv64", "riscv64"],
    ["i686", "x86"],
    ["sparc64", "sparc64"],
  ])("%s is of %s", (target, family) => {
    expect(familyOfTarget(target)).toBe(family);
  });

  it("looks at parents and vendor of a target that it doesn't know", () => {
    expect(familyOfTarget({ name: "new", vendor: "x", parents: ["x86_64_v4"] })).toBe("x86_64");
    expect(familyOfTarget({ name: "new", vendor: "ARM", parents: ["older"] })).toBe("aarch64");
    expect(familyOfTarget({ name: "new", vendor: "AuthenticAMD" })).toBe("x86_64");
    expect(familyOfTarget({ name: "new", vendor: "generic" })).toBe("new");
  });
});
