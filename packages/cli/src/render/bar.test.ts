import { describe, expect, it } from "vitest";
import { formatBar } from "./bar.js";

describe("formatBar", () => {
  it.each([
    [1, "██████████", "##########"],
    [0.5, "█████", "#####"],
    [0.26, "██▋", "###"],
    [0.0001, "▏", "#"],
    [0, "", ""],
    [7, "██████████", "##########"],
  ])("draws %d of 10 columns", (share, unicode, ascii) => {
    expect(formatBar(share, 10, true)).toBe(unicode);
    expect(formatBar(share, 10, false)).toBe(ascii);
  });
});
