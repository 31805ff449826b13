import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Slots } from "./slots.js";

/** Tasks that end when told; `begun` has their names in the order in which they began. */
class Tasks {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();
  readonly #slots: Slots;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  start(name: string, options: Parameters<Slots["run"]>[1] = {}): Promise<void> {
    const task = (): Promise<void> => {
      this.begun.push(name);
      return new Promise((resolve) => this.#ends.set(name, resolve));
    };
    return this.#slots.run(task, options);
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    await nextTurn();
  }
}

const refusal = { method: "GET", startedAt: 1, endedAt: 2, isRefused: true, isTimed: true };

afterEach(() => vi.useRealTimers());

describe("Slots", () => {
  it("run as many tasks at once as there are slots, the others in their order", async () => {
    const tasks = new Tasks(new Slots(2));
    const all = ["a", "b", "c", "d"].map((name) => tasks.start(name));
    expect(tasks.begun).toEqual(["a", "b"]);
    await tasks.end("b");
    expect(tasks.begun).toEqual(["a", "b", "c"]);
    await tasks.end("a");
    await tasks.end("c");
    await tasks.end("d");
    await Promise.all(all);
    expect(tasks.begun).toEqual(["a", "b", "c", "d"]);
  });

  it("are free again after a task that failed", async () => {
    const slots = new Slots(1);
    await expect(slots.run(() => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect(await slots.run(async () => "next")).toBe("next");
  });

  it("become fewer when the registry refuses, and tasks under way go on", async () => {
    const slots = new Slots(4);
    const tasks = new Tasks(slots);
    const all = ["a", "b", "c", "d", "e", "f"].map((name) => tasks.start(name));
    expect(slots.report(refusal)).toBe(true);
    expect(slots.atOnce).toBe(2);
    await tasks.end("a");
    await tasks.end("b");
    expect(tasks.begun).toEqual(["a", "b", "c", "d"]);
    await tasks.end("c");
    expect(tasks.begun).toEqual(["a", "b", "c", "d", "e"]);
    for (const name of ["d", "e", "f"]) await tasks.end(name);
    await Promise.all(all);
  });

  it("don't make urgent tasks wait, which others that hold all slots wait for", async () => {
    const slots = new Slots(1);
    const inner = slots.run(() => slots.run(async () => "resumed", { isUrgent: true }));
    expect(await inner).toBe("resumed");
    slots.pauseFor(60_000);
    expect(await slots.run(async () => "now", { isUrgent: true })).toBe("now");
  });

  it("let nothing begin during a pause, and all that fits after it", async () => {
    vi.useFakeTimers();
    const slots = new Slots(2);
    const tasks = new Tasks(slots);
    slots.pauseFor(5000);
    slots.pauseFor(1000);
    const all = ["a", "b", "c"].map((name) => tasks.start(name));
    await vi.advanceTimersByTimeAsync(4990);
    expect(tasks.begun).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect(tasks.begun).toEqual(["a", "b"]);
    for (const name of ["a", "b", "c"]) await tasks.end(name);
    await Promise.all(all);
  });

  it("are left by a waiting task that is aborted, with the abort's reason", async () => {
    const slots = new Slots(1);
    const tasks = new Tasks(slots);
    const first = tasks.start("first");
    const stop = new AbortController();
    const second = tasks.start("second", { signal: stop.signal });
    const third = tasks.start("third");
    const reason = new Error("enough");
    stop.abort(reason);
    await expect(second).rejects.toBe(reason);
    await tasks.end("first");
    expect(tasks.begun).toEqual(["first", "third"]);
    await tasks.end("third");
    await Promise.all([first, third]);
  });

  it("leave no timer behind when the last one who waited is gone", async () => {
    vi.useFakeTimers();
    const slots = new Slots(1);
    slots.pauseFor(60_000);
    const stop = new AbortController();
    const waiting = slots.run(async () => {}, { signal: stop.signal });
    expect(vi.getTimerCount()).toBe(1);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect(vi.getTimerCount()).toBe(0);
  });
});
