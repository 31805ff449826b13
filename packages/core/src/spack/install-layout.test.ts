import { describe, expect, it } from "vitest";
import { defaultRelativePrefix, findOverlap, prefixIn } from "./install-layout.js";
import { parseSpecFile } from "./spec-file.js";

const HASH = "53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";

function specOf(version: string) {
  const arch = { platform: "linux", platform_os: "debian12", target: "x86_64_v3" };
  const nodes = [{ name: "greeter", version, arch, hash: HASH }];
  return parseSpecFile(JSON.stringify({ spec: { _meta: { version: 5 }, nodes } }), "spec").root;
}

const spec = specOf("2.1");

describe("prefixIn", () => {
  it("keeps the place that a package had in its first store", () => {
    const relative = `linux-debian12-x86_64_v3/gcc-12.2.0/greeter-2.1-${HASH}`;
    expect(prefixIn("/s", spec, relative)).toBe(`/s/${relative}`);
  });

  it("takes Spack 1.x's place where none is known", () => {
    expect(prefixIn("/s", spec)).toBe(`/s/linux-x86_64_v3/greeter-2.1-${HASH}`);
    expect(defaultRelativePrefix(specOf("git.a-b=1.2"))).toBe(`linux-x86_64_v3/greeter-git.a-b_1.2-${HASH}`);
  });

  it.each([
    "",
    ".",
    "..",
    "../x",
    "a/../../x",
    "/etc",
    "a//b",
    "a/",
    "./a",
    ".spack-db",
    ".spack-db/x",
    "bin",
    "bin/x",
    "a\0b",
    "a\nb",
  ])("refuses the relative prefix %j", (relative) => {
    expect(() => prefixIn("/s", spec, relative)).toThrow(expect.objectContaining({ code: "DOCUMENT_INVALID" }));
  });

  it("takes folders that only begin like the store's own", () => {
    expect(prefixIn("/s", spec, "binutils/.spack-db")).toBe("/s/binutils/.spack-db");
  });
});

describe("findOverlap", () => {
  it.each([
    ["/s/a/b", "/s/a/b"],
    ["/s/a/b", "/s/a"],
    ["/s/a", "/s/a/b"],
  ])("finds that %s and %s share a folder", (prefix, other) => {
    expect(findOverlap(prefix, ["/s/x", other])).toBe(other);
  });

  it("lets neighbours be", () => {
    expect(findOverlap("/s/a", ["/s/ab", "/s/b", "/s/a-b"])).toBeUndefined();
  });
});
