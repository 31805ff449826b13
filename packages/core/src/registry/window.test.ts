import { describe, expect, it } from "vitest";
import { adapt, openWindow, type Sample, type Window } from "./window.js";

const sample = (startedAt: number, tookMs: number, rest: Partial<Sample> = {}): Sample => ({
  method: "HEAD",
  startedAt,
  endedAt: startedAt + tookMs,
  isRefused: false,
  isTimed: true,
  ...rest,
});
const after = (window: Window, ...samples: Sample[]): Window => samples.reduce(adapt, window);
const refused = (startedAt: number, tookMs = 10): Sample => sample(startedAt, tookMs, { isRefused: true });

describe("adapt", () => {
  it("stays at the most while all is well", () => {
    const answers = Array.from({ length: 100 }, (_, at) => sample(at * 20, 15));
    expect(after(openWindow(8), ...answers).size).toBe(8);
  });

  it("halves for a refusal, down to one and no further", () => {
    let window = openWindow(8);
    const sizes = [0, 100, 200, 300, 400].map((at) => {
      window = adapt(window, refused(at));
      return window.size;
    });
    expect(sizes).toEqual([4, 2, 1, 1, 1]);
  });

  it("halves once for all requests that were on their way together", () => {
    const together = [0, 1, 2, 3, 4, 5, 6, 7].map((at) => refused(at, 50));
    expect(after(openWindow(8), ...together).size).toBe(4);
    expect(after(openWindow(8), ...together, refused(60)).size).toBe(2);
  });

  it("grows by one for each windowful of answers, up to the most", () => {
    let window = { ...openWindow(8), size: 2 };
    let answers = 0;
    while (window.size < 7.999) {
      window = adapt(window, sample(answers * 20, 15));
      answers += 1;
    }
    // 2 + 3 + … + 7 answers, give or take what rounding adds.
    expect(answers).toBeGreaterThanOrEqual(24);
    expect(answers).toBeLessThanOrEqual(34);
  });

  it("shrinks to three quarters when answers take much longer than usual, once for a roundful", () => {
    const usual = after(openWindow(8), ...Array.from({ length: 20 }, (_, at) => sample(at * 20, 200)));
    expect(after(usual, sample(1000, 1500)).size).toBe(6);
    expect(after(usual, sample(1000, 1500), sample(1001, 1501), sample(1002, 1502)).size).toBe(6);
    expect(after(usual, sample(1000, 1500), sample(3000, 1500)).size).toBe(4.5);
  });

  it("takes no notice of what is slow as usual, short of a second, or slow because of what was sent", () => {
    const slowly = Array.from({ length: 20 }, (_, at) => sample(at * 5000, 4000));
    expect(after(openWindow(8), ...slowly).size).toBe(8);
    const quick = after(openWindow(8), sample(0, 5));
    expect(after(quick, sample(10, 900)).size).toBe(8);
    expect(after(quick, sample(10, 60_000, { method: "PUT", isTimed: false })).size).toBe(8);
  });

  it("knows what is usual for each method", () => {
    const window = after(openWindow(8), sample(0, 20), sample(50, 3000, { method: "DELETE" }));
    expect(window.size).toBe(8);
    expect(after(window, sample(4000, 3000)).size).toBe(6);
  });

  it("opens again at a registry that has become slow for good", () => {
    let window = after(openWindow(8), sample(0, 200));
    for (let at = 1; at < 200; at += 1) window = adapt(window, sample(at * 5000, 2000));
    expect(window.size).toBe(8);
  });
});
