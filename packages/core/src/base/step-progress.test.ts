import { describe, expect, it } from "vitest";
import type { SpkociEvent } from "./events.js";
import { StepProgress } from "./step-progress.js";

describe("StepProgress", () => {
  it("tells the first count and the last, and few of those between", () => {
    const events: SpkociEvent[] = [];
    const progress = new StepProgress((event) => events.push(event), "read-tags", "tags", 1000);
    for (let tag = 0; tag < 1000; tag += 1) progress.add(1);
    progress.end();
    expect(events[0]).toEqual({ type: "progress", step: "read-tags", unit: "tags", done: 1, total: 1000 });
    expect(events.at(-1)).toEqual({ type: "progress", step: "read-tags", unit: "tags", done: 1000, total: 1000 });
    expect(events.length).toBeLessThan(100);
  });

  it("has no total where none is known", () => {
    const events: SpkociEvent[] = [];
    new StepProgress((event) => events.push(event), "list", "packages").end();
    expect(events).toEqual([{ type: "progress", step: "list", unit: "packages", done: 0 }]);
  });
});
