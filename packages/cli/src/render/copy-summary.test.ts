import { type CopyResult, digestOf } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { formatCopySummary } from "./copy-summary.js";

const plain = picocolors.createColors(false);

const done = { digest: digestOf(""), referrers: 0, durationMs: 100 };
const zlib = { name: "zlib", version: "1.3.1", hash: "abcdefghijkl", tag: "zlib-1.3.1-abcdefghijkl.spack", image: "x" };

const RESULT: CopyResult = {
  source: "ghcr.io/org/cache",
  target: "oci-archive:/disk/cache.tar",
  packages: [
    { ...zlib, ...done, outcome: "copied", bytesSent: 2048 },
    { ...zlib, ...done, name: "xz", outcome: "skipped", bytesSent: 0 },
    { ...zlib, ...done, name: "lost", outcome: "missing", bytesSent: 0 },
  ],
  images: [
    {
      ...done,
      tag: "a\u001b[2J",
      image: "x",
      outcome: "failed",
      bytesSent: 0,
      error: { code: "INTERNAL", message: "no" },
    },
  ],
  index: { digest: digestOf(""), packages: 1 },
  totals: {
    copied: 1,
    skipped: 1,
    missing: 1,
    failed: 1,
    referrers: 2,
    bytesSent: 2048,
    archiveSize: 10_240,
    durationMs: 1234,
  },
};

describe("formatCopySummary", () => {
  it("shows outcome, bytes and time of each package and image, then totals, the tar's size, and the index", () => {
    expect(formatCopySummary(RESULT, plain).split("\n")).toEqual([
      "PACKAGE             OUTCOME     SENT   TIME",
      "zlib@1.3.1/abcdefg  copied   2.0 KiB  0.1 s",
      "xz@1.3.1/abcdefg    skipped        -  0.1 s",
      "lost@1.3.1/abcdefg  missing        -  0.1 s",
      "a\\x1b[2J            failed         -  0.1 s",
      "",
      "1 copied, 1 skipped, 1 that the source lacks, 1 failed, 2 that refer to them; 2.0 KiB sent to oci-archive:/disk/cache.tar (10.0 KiB) in 1.2 s",
      "The index names 1 package.",
      "",
    ]);
  });
});
