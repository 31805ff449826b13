import { describe, expect, it } from "vitest";
import { parseRetryAfter } from "./retry-after.js";

describe("checklist 63: parseRetryAfter", () => {
  const now = Date.parse("2025-01-01T00:00:00Z");

  it.each([
    ["2", "", 2000],
    ["0.5", "", 500],
    ["Wed, 01 Jan 2025 00:00:10 GMT", "", 10_000],
    ["Tue, 31 Dec 2024 00:00:00 GMT", "", 0],
    [undefined, "toomanyrequests: retry-after: 12.5ms, allowed: 44000/minute", 12.5],
    [undefined, "retry-after: 763µs, allowed: 44000/minute", 0.763],
    [undefined, "Retry-After: 3s", 3000],
    ["soon", "", undefined],
    ["-1", "", undefined],
    [undefined, "try again", undefined],
  ])("reads header %j and message %j", (header, message, expected) => {
    const parsed = parseRetryAfter(header, message, now);
    if (expected === undefined) expect(parsed).toBeUndefined();
    else expect(parsed).toBeCloseTo(expected);
  });
});
