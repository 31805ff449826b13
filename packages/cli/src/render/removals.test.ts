import type { UninstallResult } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { formatRemovals } from "./removals.js";

const plain = picocolors.createColors(false);
const result: UninstallResult = {
  root: "/root",
  packages: [
    { name: "curl", version: "8", hash: "c".repeat(32), prefix: "/root/curl\u001b[2J", asked: false },
    { name: "zlib", version: "1.3", hash: "z".repeat(32), prefix: "/root/zlib", asked: true },
  ],
};

describe("formatRemovals", () => {
  it("lists what was removed, and why", () => {
    expect(formatRemovals(result, false, plain).split("\n")).toEqual([
      "PACKAGE           PREFIX             WHY",
      "curl@8/ccccccc    /root/curl\\x1b[2J  dependent",
      "zlib@1.3/zzzzzzz  /root/zlib         named",
      "",
      "2 removed",
      "",
    ]);
  });

  it("says of a plan that nothing was removed", () => {
    expect(formatRemovals(result, true, plain)).toMatch(/\n2 to remove; nothing was removed from \/root\n$/);
  });
});
