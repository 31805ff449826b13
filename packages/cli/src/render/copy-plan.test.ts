import type { CopyPlan } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { formatCopyPlan } from "./copy-plan.js";

const plain = picocolors.createColors(false);

function planOf(more: Partial<CopyPlan> = {}): CopyPlan {
  const named = (name: string) => ({ name, version: "1.0", hash: `${name}aaaaaaaaaa`, tag: `${name}-1.0-hash.spack` });
  return {
    source: "ghcr.io/org/cache",
    target: "oci:/disk\u001b[2J",
    packages: [
      { ...named("zlib"), action: "skip", bytes: 0 },
      { ...named("bzip2"), action: "copy", bytes: 2048 },
      { ...named("xz"), action: "missing", bytes: 0 },
    ],
    images: [{ tag: "tools", action: "replace", bytes: 1024 }],
    bytes: 3072,
    updateIndex: true,
    ...more,
  };
}

describe("formatCopyPlan", () => {
  it("shows what becomes of each package and image with the bytes it takes, then totals", () => {
    expect(formatCopyPlan(planOf(), plain).split("\n")).toEqual([
      "ACTION   PACKAGE            TO SEND",
      "skip     zlib@1.0/zlibaaa         -",
      "copy     bzip2@1.0/bzip2aa  2.0 KiB",
      "missing  xz@1.0/xzaaaaa           -",
      "replace  tools              1.0 KiB",
      "",
      "1 to copy, 1 to replace, 1 there already, 1 that the source lacks; 3.0 KiB to send; nothing was written to oci:/disk\\x1b[2J",
      "",
    ]);
  });

  it("says that the index would stay as it is", () => {
    expect(formatCopyPlan(planOf({ updateIndex: false }), plain)).toMatch(/\nThe index would be left alone\.\n$/);
  });
});
