import { performance } from "node:perf_hooks";
import { describe, expect, it, vi } from "vitest";
import { adaptiveCalls } from "./adaptive-calls.js";

/** The clock of `adaptiveCalls`, which every second look at it moves on by so many ms. */
function clockThatTakes(ms: () => number): void {
  let now = 0;
  let looks = 0;
  vi.spyOn(performance, "now").mockImplementation(() => {
    looks += 1;
    if (looks % 2 === 0) now += ms();
    return now;
  });
}

describe("adaptiveCalls", () => {
  it("calls directly while calls are fast, whatever a few take", () => {
    let calls = 0;
    clockThatTakes(() => (calls % 10 === 0 ? 50 : 0.01));
    const adaptive = adaptiveCalls();
    for (; calls < 1000; calls += 1) expect(adaptive.lstat("/")).not.toBeInstanceOf(Promise);
  });

  it("lets others carry the calls out once many are slow, and tries again later", async () => {
    let slow = true;
    clockThatTakes(() => (slow ? 1 : 0.01));
    const adaptive = adaptiveCalls();
    for (let at = 0; at < 64; at += 1) expect(adaptive.lstat("/")).not.toBeInstanceOf(Promise);
    slow = false;
    const pooled = Array.from({ length: 4096 }, () => adaptive.lstat("/"));
    expect(pooled.every((it) => it instanceof Promise)).toBe(true);
    await Promise.all(pooled);
    expect(adaptive.lstat("/")).not.toBeInstanceOf(Promise);
  });

  it("hands failures on, which calls may be too slow for as well", () => {
    const adaptive = adaptiveCalls();
    expect(() => adaptive.readdir("/not/there")).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });
});
