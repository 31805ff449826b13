import { describe, expect, it } from "vitest";
import type { SpkociEvent } from "./events.js";
import { type Retryable, withRetry } from "./retry.js";

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
});
