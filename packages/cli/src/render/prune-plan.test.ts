import type { Digest, PrunePlan, PruneResult } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import { createColors } from "./colors.js";
import { formatPrunePlan } from "./prune-plan.js";
import { formatPruneSummary } from "./prune-summary.js";

const plain = createColors({ flag: false, env: {}, isTerminal: false });
const DIGEST = `sha256:${"a".repeat(64)}` as Digest;
const HASH = "nazl2fzhh42s2lg5lmcnd2alvxpw3yi5";
const zlib = { name: "zlib", version: "1.3", hash: HASH };

const PLAN: PrunePlan = {
  target: "ghcr.io/org/cache",
  kept: [
    { ...zlib, hash: "bbbbbbb", why: "query" },
    { ...zlib, hash: "ccccccc", why: "dependency" },
    { ...zlib, hash: "ddddddd", why: "dependency" },
  ],
  otherTags: [{ tag: "release", why: "other-tag" }],
  images: [
    { digest: DIGEST, tags: ["sha256-abc.sig"], kind: "referrer", bytes: 512 },
    { digest: DIGEST, tags: [`zlib-1.3-${HASH}.spack`, "zlib"], kind: "package", package: zlib, bytes: 2048 },
    { digest: DIGEST, tags: [], kind: "package", package: zlib, bytes: 1024 },
  ],
  indexOnly: [{ ...zlib, hash: "eeeeeee" }],
  bytes: 3584,
};

const RESULT: PruneResult = {
  ...PLAN,
  confirmed: true,
  images: PLAN.images.map((image) => ({ ...image, outcome: "removed" as const })),
  totals: { removed: 2, left: 1, failed: 0, bytes: 3072 },
};

describe("formatPrunePlan", () => {
  it("lists what goes, with its size and other names, and says how much stays and why", () => {
    expect(formatPrunePlan(PLAN, plain, true).split("\n")).toEqual([
      "REMOVE               SIZE  WHAT",
      "sha256-abc.sig      512 B  about another image",
      "zlib@1.3/nazl2fz  2.0 KiB  tagged zlib",
      "zlib@1.3/nazl2fz  1.0 KiB  untagged",
      "",
      "2 packages and 1 other image to remove; nothing was removed from ghcr.io/org/cache",
      "1 package that only the index has, to be taken out",
      "3.5 KiB that nothing else needs: the registry frees them when it collects its garbage",
      "3 packages stay: 1 kept by --keep, 2 needed by others that stay",
      "1 other tag stays: release",
      "",
    ]);
  });

  it("counts the blobs of a folder", () => {
    const folder = { ...PLAN, target: "oci:dir", blobs: { count: 1, bytes: 10 } };
    expect(formatPrunePlan(folder, plain, false)).toContain(
      "\n2 packages, 1 other image and 1 blob (10 B) to remove\n",
    );
  });

  it("says why nothing is to be removed", () => {
    const nothing = { ...PLAN, images: [], indexOnly: [], otherTags: [] };
    expect(formatPrunePlan(nothing, plain, true)).toBe(
      "nothing to remove from ghcr.io/org/cache\n3 packages stay: 1 kept by --keep, 2 needed by others that stay\n",
    );
  });

  it("shows names from outside as text that steers nothing", () => {
    const hostile = { ...zlib, name: "z\u001b[2J" };
    const text = formatPrunePlan(
      { ...PLAN, images: [{ digest: DIGEST, tags: ["\u009b1m"], kind: "package", package: hostile, bytes: 0 }] },
      plain,
      false,
    );
    for (const steering of ["\u001b", "\u009b"]) expect(text).not.toContain(steering);
  });
});

describe("formatPruneSummary", () => {
  it("tells what was removed, left and failed, and where space comes free", () => {
    expect(formatPruneSummary(RESULT, plain)).toBe(
      "2 removed, 1 left, because they changed meanwhile, 1 taken out of the index; 3.0 KiB to be freed when the registry collects its garbage\n",
    );
    const totals = { removed: 1, left: 0, failed: 2, bytes: 10 };
    const folder = { ...RESULT, indexOnly: [], blobs: { count: 3, bytes: 10 }, totals };
    expect(formatPruneSummary(folder, plain)).toBe("1 removed, 2 failed; 10 B freed (3 blobs)\n");
  });

  it("tells that a no was heard", () => {
    expect(formatPruneSummary({ ...RESULT, confirmed: false }, plain)).toBe(
      "nothing was removed from ghcr.io/org/cache\n",
    );
  });
});
