import { type PlannedPackage, type PushPlan, parseDigest } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { formatPushPlan } from "./push-plan.js";

const plain = picocolors.createColors(false);

function planned(name: string, action: PlannedPackage["action"], more: Partial<PlannedPackage> = {}): PlannedPackage {
  return {
    name,
    version: "1.0",
    hash: `${name}aaaaaaaaaaaaaaaa`.slice(0, 32),
    prefix: `/opt/${name}`,
    tag: `${name}.spack`,
    image: `oci:out:${name}.spack`,
    action,
    reason: "because",
    layers: ["a", "b"],
    missing: [],
    prefixSize: 0,
    ...more,
  };
}

describe("formatPushPlan", () => {
  it("shows action, layers, bytes and reason of each package, then base, missing layers and totals", () => {
    const plan: PushPlan = {
      target: "ghcr.io/org/cache",
      packages: [
        planned("zlib", "push", { prefixSize: 2048 }),
        planned("bzip2", "skip", { missing: ["xyzxyzxyz"] }),
        planned("curl", "fail", { problem: { code: "PREFIX_MISSING", message: "no prefix\u0007" } }),
      ],
      bases: [{ reference: "debian:12", digest: parseDigest(`sha256:${"a".repeat(64)}`), platform: "linux/amd64" }],
      image: { image: "ghcr.io/org/cache:tools", packages: ["a", "b"] },
      updateIndex: false,
    };
    expect(formatPushPlan(plan, plain).split("\n")).toEqual([
      "ACTION  PACKAGE            LAYERS  TO READ  REASON",
      "push    zlib@1.0/zlibaaa        2  2.0 KiB  because",
      "skip    bzip2@1.0/bzip2aa       2        -  because",
      "fail    curl@1.0/curlaaa        2        -  no prefix\\x07",
      "",
      `On debian:12 for linux/amd64, sha256:${"a".repeat(64)}`,
      "bzip2@1.0/bzip2aa would lack the layers of xyzxyzx, which the cache doesn't have",
      "ghcr.io/org/cache:tools would be one image over 2 packages",
      "1 to push (2.0 KiB to read), 0 to rewrite, 1 there already, 1 that can't be pushed; nothing was written to ghcr.io/org/cache",
      "The index would be left alone.",
      "",
    ]);
  });
});
