import { describe, expect, it } from "vitest";
import { count, formatDay, formatMinute, formatNumber, formatShare } from "./wording.js";

describe("wording", () => {
  it("counts in words, with commas between thousands", () => {
    expect([count(1, "package"), count(12_345, "package"), count(2, "layer is", "layers are")]).toEqual([
      "1 package",
      "12,345 packages",
      "2 layers are",
    ]);
    expect([999, 1000, 1_234_567].map(formatNumber)).toEqual(["999", "1,000", "1,234,567"]);
  });

  it("tells days and minutes in UTC", () => {
    const time = Date.UTC(2026, 10, 21, 3, 40, 17);
    expect([formatDay(time), formatMinute(time)]).toEqual(["2026-11-21", "2026-11-21 03:40"]);
  });

  it("never calls a little nothing", () => {
    expect([0, 0.004, 0.374, 1].map(formatShare)).toEqual(["0 %", "< 1 %", "37 %", "100 %"]);
  });
});
