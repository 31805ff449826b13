import type { VerifiedPackage } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { formatVerified } from "./verified.js";

const plain = picocolors.createColors(false);

function verified(name: string, changes: Partial<VerifiedPackage> = {}): VerifiedPackage {
  const hash = "h".repeat(32);
  return { name, version: "1", hash, prefix: `/root/${name}`, outcome: "intact", differences: [], ...changes };
}

describe("formatVerified", () => {
  it("lists what differs by package and path, and counts", () => {
    const packages = [
      verified("a"),
      verified("b", {
        outcome: "different",
        differences: [
          { path: "", kind: "mode" },
          { path: "bin/\u001b[2Jx", kind: "size" },
          { path: "bin/\u001b[2Jx", kind: "content" },
        ],
      }),
    ];
    expect(formatVerified({ root: "/root", packages }, plain).split("\n")).toEqual([
      "b@1/hhhhhhh in /root/b",
      "  .: mode",
      "  bin/\\x1b[2Jx: size, content",
      "",
      "1 intact, 1 different",
      "",
    ]);
  });

  it("counts packages of which it can't be told", () => {
    const failed = verified("a", { outcome: "failed", error: { code: "DOCUMENT_INVALID", message: "no manifest" } });
    expect(formatVerified({ root: "/root", packages: [failed] }, plain)).toBe("0 intact, 0 different, 1 failed\n");
  });
});
