import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { readAhead } from "./read-ahead.js";

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}

describe("readAhead", () => {
  it("keeps the order of the items, whichever task ends first", async () => {
    const task = async (n: number): Promise<number> => {
      await sleep(n % 2 === 0 ? 5 : 0);
      return n * 10;
    };
    expect(await collect(readAhead([1, 2, 3, 4, 5], 2, task))).toEqual([10, 20, 30, 40, 50]);
  });

  it("starts no more tasks than it may", async () => {
    const started: number[] = [];
    const task = async (n: number): Promise<number> => {
      started.push(n);
      return n;
    };
    const results = readAhead([1, 2, 3, 4, 5], 2, task);
    expect(await results.next()).toEqual({ done: false, value: 1 });
    expect(started).toEqual([1, 2, 3]);
    await results.return(undefined);
    expect(started).toEqual([1, 2, 3]);
  });

  it("throws a failure at its turn, once the tasks under way have ended", async () => {
    const ended: number[] = [];
    const task = async (n: number): Promise<number> => {
      await sleep(n === 3 ? 20 : 0);
      ended.push(n);
      if (n === 2) throw new Error("second");
      return n;
    };
    const results = readAhead([1, 2, 3, 4], 2, task);
    expect((await results.next()).value).toBe(1);
    await expect(results.next()).rejects.toThrow("second");
    expect(ended).toContain(3);
  });
});
