import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Flights, mapConcurrently } from "./concurrency.js";

describe("mapConcurrently", () => {
  it("keeps the order of its items and its limit", async () => {
    let running = 0;
    let most = 0;
    const result = await mapConcurrently([30, 1, 10, 5], 2, async (ms) => {
      running += 1;
      most = Math.max(most, running);
      await sleep(ms);
      running -= 1;
      return ms * 2;
    });
    expect(result).toEqual([60, 2, 20, 10]);
    expect(most).toBe(2);
  });

  it("on a failure aborts the others, waits for them, and starts no more", async () => {
    const ended: number[] = [];
    const started: number[] = [];
    const run = mapConcurrently([1, 2, 3, 4], 2, async (item, signal) => {
      started.push(item);
      if (item === 1) throw new Error("first");
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      await sleep(5);
      ended.push(item);
      return item;
    });
    await expect(run).rejects.toThrow("first");
    expect(started).toEqual([1, 2]);
    expect(ended).toEqual([2]);
  });

  it("rejects with the caller's own reason", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    const run = mapConcurrently(
      [1, 2],
      1,
      async (_item, signal) => {
        stop.abort(reason);
        signal.throwIfAborted();
      },
      stop.signal,
    );
    await expect(run).rejects.toBe(reason);
  });
});

describe("Flights", () => {
  it("shares one flight per key", async () => {
    const flights = new Flights<string, number>();
    let runs = 0;
    const task = async () => {
      runs += 1;
      await sleep(1);
      return runs;
    };
    expect(await Promise.all([flights.run("a", task), flights.run("a", task), flights.run("b", task)])).toEqual([
      2, 2, 2,
    ]);
    expect(runs).toBe(2);
  });

  it("forgets a failed flight", async () => {
    const flights = new Flights<string, number>();
    await expect(flights.run("a", () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(await flights.run("a", async () => 7)).toBe(7);
  });

  it("lets a waiting caller take over when the flight's owner is aborted", async () => {
    const flights = new Flights<string, string>();
    const owner = new AbortController();
    const first = flights.run("a", () => rejectOnAbort(owner.signal), owner.signal);
    const second = flights.run("a", async () => "second's own", new AbortController().signal);
    owner.abort(new Error("the owner was stopped"));
    await expect(first).rejects.toThrow("the owner was stopped");
    expect(await second).toBe("second's own");
  });

  it("stops waiting when the waiting caller is aborted, and the flight goes on", async () => {
    const flights = new Flights<string, number>();
    const waiting = new AbortController();
    const first = flights.run("a", () => sleep(20, 1));
    const second = flights.run("a", async () => 2, waiting.signal);
    waiting.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    expect(await first).toBe(1);
  });

  it("runs again what was forgotten", async () => {
    const flights = new Flights<string, number>();
    expect(await flights.run("a", async () => 1)).toBe(1);
    flights.forget("a");
    expect(await flights.run("a", async () => 2)).toBe(2);
    flights.clear();
    expect(await flights.run("a", async () => 3)).toBe(3);
  });
});

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}
