import type { CacheReport, ReportTotals } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import { formatReported } from "./reported.js";

const reportWith = (totals: ReportTotals): CacheReport => ({
  source: "oci:cache",
  indexed: true,
  packages: [],
  layers: [],
  broken: [],
  totals,
});

describe("formatReported", () => {
  it("says where the page is and what the cache amounts to", () => {
    const totals = { packages: 12, broken: 0, layers: 12, storedSize: 1024, unsharedSize: 3072 };
    expect(formatReported("/here/report.html", reportWith(totals))).toBe(
      "/here/report.html: 12 packages, 1.0 KiB stored, 2.0 KiB saved by sharing layers\n",
    );
  });

  it("counts what can't be read, and shows no control characters of a file's name", () => {
    const totals = { packages: 1, broken: 1, layers: 1, storedSize: 10, unsharedSize: 10 };
    expect(formatReported("/a\u001b[2J", reportWith(totals))).toBe(
      "/a\\x1b[2J: 1 package, 10 B stored, 0 B saved by sharing layers, 1 image can't be read\n",
    );
  });
});
