import { describe, expect, it } from "vitest";
import { parseAge } from "./parse-age.js";

describe("parseAge", () => {
  it.each([
    ["90d", 90 * 86_400_000],
    ["1.5h", 5_400_000],
    ["30m", 1_800_000],
    ["10s", 10_000],
    ["2w", 14 * 86_400_000],
    ["0", 0],
  ])("takes %s", (text, ms) => {
    expect(parseAge(text, "--grace")).toBe(ms);
  });

  it.each(["", "d", "90", "-1d", "1y", "1 d", "1e9d", "9".repeat(20), "1d\u001b[2J"])(
    "refuses %j, naming the option",
    (text) => {
      expect(() => parseAge(text, "--grace")).toThrow(/^--grace is no time: "[ -~]*"$/);
    },
  );
});
