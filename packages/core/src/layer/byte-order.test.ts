import { describe, expect, it } from "vitest";
import { compareUtf8 } from "./byte-order.js";

describe("compareUtf8", () => {
  it("orders characters beyond U+FFFF after all others, as their UTF-8 bytes do", () => {
    const names = ["b", "a", "\u{1f600}", "\ufffd", "\ue000", "é", "Z", "a.b", "a-b", "", "a/b"];
    const byBytes = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(names.toSorted(compareUtf8)).toEqual(byBytes);
    expect(names.toSorted()).not.toEqual(byBytes);
  });

  it("puts a name before the names that it begins", () => {
    expect(compareUtf8("lib", "lib64")).toBeLessThan(0);
    expect(compareUtf8("lib64", "lib")).toBeGreaterThan(0);
    expect(compareUtf8("lib", "lib")).toBe(0);
  });
});
