import { describe, expect, it } from "vitest";
import { formatDuration, formatRate, formatSize } from "./format-size.js";

describe("formatSize", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [102_400, "100 KiB"],
    [1024 * 1024 - 1, "1.0 MiB"],
    [109_051_904, "104 MiB"],
    [3 * 1024 ** 4, "3.0 TiB"],
    [5000 * 1024 ** 5, "5000 PiB"],
  ])("writes %d as %s", (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe("formatRate", () => {
  it("is bytes a second, and nothing before time went by", () => {
    expect(formatRate(1024, 500)).toBe("2.0 KiB/s");
    expect(formatRate(1024, 0)).toBe("");
  });
});

describe("formatDuration", () => {
  it.each([
    [40, "0.0 s"],
    [260, "0.3 s"],
    [9_949, "9.9 s"],
    [9_950, "10 s"],
    [59_400, "59 s"],
    [59_600, "1m 00s"],
    [185_000, "3m 05s"],
    [3_599_600, "1h 00m"],
    [7_620_000, "2h 07m"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
