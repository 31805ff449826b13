import type { InstalledPackage, InstallResult } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { formatInstallSummary } from "./install-summary.js";

const plain = picocolors.createColors(false);

const zlib: InstalledPackage = {
  name: "zlib",
  version: "1.3.1",
  hash: "abcdefghijklmnopqrstuvwxyz234567",
  outcome: "installed",
  prefix: "/store/linux/zlib",
  durationMs: 1234,
};

const broken: InstalledPackage = {
  name: "zstd",
  version: "1.5.6",
  hash: "zyxwvutsrqponmlkjihgfedcba765432",
  outcome: "failed",
  durationMs: 10,
  error: { code: "DIGEST_MISMATCH", message: "wrong bytes" },
};

function resultOf(...packages: InstalledPackage[]): InstallResult {
  const count = (outcome: string): number => packages.filter((each) => each.outcome === outcome).length;
  const totals = { installed: count("installed"), skipped: count("skipped"), failed: count("failed") };
  return { root: "/store", packages, totals: { ...totals, bytesFetched: 1536, durationMs: 2000 } };
}

describe("formatInstallSummary", () => {
  it("shows prefix, outcome and time of each package, then totals", () => {
    expect(formatInstallSummary(resultOf(zlib, broken), plain).split("\n")).toEqual([
      "PACKAGE             PREFIX             OUTCOME     TIME",
      "zlib@1.3.1/abcdefg  /store/linux/zlib  installed  1.2 s",
      "zstd@1.5.6/zyxwvut  -                  failed     0.0 s",
      "",
      "1 installed, 0 skipped, 1 failed; 1.5 KiB fetched in 2.0 s",
      "",
    ]);
  });

  it("counts no failures where there are none", () => {
    const text = formatInstallSummary(resultOf({ ...zlib, outcome: "skipped", durationMs: 0 }), plain);
    expect(text).toContain("\n0 installed, 1 skipped; 1.5 KiB fetched in 2.0 s\n");
  });
});
