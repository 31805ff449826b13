import { type PackageResult, type PushResult, parseDigest } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { formatPushSummary } from "./push-summary.js";

const plain = picocolors.createColors(false);
const digest = parseDigest(`sha256:${"0123456789abcdef".repeat(4)}`);

const zlib: PackageResult = {
  name: "zlib",
  version: "1.3.1",
  hash: "abcdefghijklmnopqrstuvwxyz234567",
  tag: "zlib-1.3.1-abc.spack",
  image: "oci:out:zlib-1.3.1-abc.spack",
  outcome: "pushed",
  digest,
  layerSize: 1536,
  durationMs: 1234,
};

const broken: PackageResult = {
  name: "zstd",
  version: "1.5.6",
  hash: "zyxwvutsrqponmlkjihgfedcba765432",
  tag: "zstd-1.5.6-zyx.spack",
  image: "oci:out:zstd-1.5.6-zyx.spack",
  outcome: "failed",
  durationMs: 10,
  error: { code: "FILE_UNREADABLE", message: "can't read a\u001b[2Jb", hint: "Mend it." },
};

function resultOf(packages: readonly PackageResult[], more: Partial<PushResult> = {}): PushResult {
  const failed = packages.filter((each) => each.outcome === "failed").length;
  const totals = {
    pushed: packages.length - failed,
    rewritten: 0,
    skipped: 0,
    failed,
    bytesSent: 1536,
    durationMs: 2000,
  };
  return { target: "oci:out", packages, totals, ...more };
}

describe("formatPushSummary", () => {
  it("shows reference, digest, size, outcome and time of each package, then totals, image and index", () => {
    const result = resultOf([zlib, broken], {
      image: { image: "oci:out:tools", digest },
      index: { digest, packages: 1 },
    });
    expect(formatPushSummary(result, plain).split("\n")).toEqual([
      "IMAGE                         DIGEST                  SIZE  OUTCOME   TIME",
      "oci:out:zlib-1.3.1-abc.spack  sha256:0123456789ab  1.5 KiB  pushed   1.2 s",
      "oci:out:zstd-1.5.6-zyx.spack  -                          -  failed   0.0 s",
      "",
      "1 pushed, 0 rewritten, 0 skipped, 1 failed; 1.5 KiB sent in 2.0 s",
      "oci:out:tools has them all: sha256:0123456789ab",
      "The index names 1 package.",
      "",
    ]);
  });
});
