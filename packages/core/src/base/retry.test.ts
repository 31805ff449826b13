import { describe, expect, it } from "vitest";
import type { SpkociEvent } from "./events.js";
import { type Retryable, withRetry } from "./retry.js";
import { RetryBudget } from "./retry-budget.js";

const policy = { attempts: 3, baseMs: 2, maxMs: 4 };
const always = (): Retryable => ({ retry: true, reason: "again" });

describe("withRetry", () => {
  it("repeats until the task succeeds and tells of each pause", async () => {
    const events: SpkociEvent[] = [];
    const run = withRetry(
      "asking",
      async (attempt) => {
        if (attempt < 3) throw new Error("not yet");
        return attempt;
      },
      always,
      policy,
      { emit: (event) => events.push(event) },
    );
    expect(await run).toBe(3);
    expect(events.map((event) => event.type === "retry" && event.attempt)).toEqual([1, 2]);
  });

  it("throws the last error when the tries are used up", async () => {
    let tries = 0;
    const run = withRetry("asking", () => Promise.reject(new Error(`try ${++tries}`)), always, policy);
    await expect(run).rejects.toThrow("try 3");
  });

  it("never repeats what repeating can't change", async () => {
    let tries = 0;
    const run = withRetry(
      "asking",
      () => Promise.reject(new Error(`try ${++tries}`)),
      () => ({ retry: false }),
      policy,
    );
    await expect(run).rejects.toThrow("try 1");
  });

  it("waits as long as the other side asked", async () => {
    const events: SpkociEvent[] = [];
    let tries = 0;
    await withRetry(
      "asking",
      async () => {
        tries += 1;
        if (tries === 1) throw new Error("slow down");
      },
      () => ({ retry: true, afterMs: 7, reason: "429" }),
      policy,
      { emit: (event) => events.push(event) },
    );
    expect(events).toEqual([{ type: "retry", what: "asking", attempt: 1, delayMs: 7, reason: "429" }]);
  });

  it("stops during a pause with the abort's own reason", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    const run = withRetry(
      "asking",
      () => Promise.reject(new Error("broken")),
      () => {
        setTimeout(() => stop.abort(reason), 1);
        return { retry: true, afterMs: 60_000, reason: "later" };
      },
      policy,
      { signal: stop.signal },
    );
    await expect(run).rejects.toBe(reason);
  });

  it("takes every retry from the budget that tasks share, says how much of it is used, and throws what it says when it is spent", async () => {
    const events: SpkociEvent[] = [];
    const budget = new RetryBudget(3);
    const spent = (error: unknown): Error => new Error(`no retries left after: ${(error as Error).message}`);
    const fail = (): Promise<void> =>
      withRetry(
        "asking",
        () => Promise.reject(new Error("broken")),
        always,
        policy,
        { emit: (event) => events.push(event) },
        { budget, spent },
      );
    await expect(fail()).rejects.toThrow(/^broken$/);
    await expect(fail()).rejects.toThrow("no retries left after: broken");
    await expect(fail()).rejects.toThrow("no retries left after: broken");
    const retries = events.map((event) => event.type === "retry" && event.retries);
    expect(retries).toEqual([1, 2, 3].map((used) => ({ used, allowed: 3 })));
  });

  it("pauses between half of the doubling step and the whole, never longer than the longest", async () => {
    const delays: number[] = [];
    const steps = { attempts: 6, baseMs: 4, maxMs: 10 };
    const op = { emit: (event: SpkociEvent) => event.type === "retry" && delays.push(event.delayMs) };
    await expect(withRetry("asking", () => Promise.reject(new Error("x")), always, steps, op)).rejects.toThrow();
    for (const [at, step] of [4, 8, 10, 10, 10].entries()) {
      expect(delays[at]).toBeGreaterThanOrEqual(step / 2);
      expect(delays[at]).toBeLessThanOrEqual(step);
    }
  });
});
