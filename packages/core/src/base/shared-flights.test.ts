import { setImmediate as tick } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Op } from "./op.js";
import { SharedFlights } from "./shared-flights.js";

/** A task that ends when told, and counts how often it was started. */
function controlledTask() {
  const task = {
    starts: 0,
    signal: undefined as AbortSignal | undefined,
    finish: (): void => {},
    run: (op: { signal?: AbortSignal | undefined }): Promise<void> => {
      task.starts += 1;
      task.signal = op.signal;
      return new Promise((resolve, reject) => {
        task.finish = resolve;
        op.signal?.addEventListener("abort", () => reject(op.signal?.reason));
      });
    },
  };
  return task;
}

describe("SharedFlights", () => {
  it("runs one task for callers of one key, and a new one after it has ended", async () => {
    const flights = new SharedFlights<string>();
    const task = controlledTask();
    const both = Promise.all([flights.run("a", task.run), flights.run("a", task.run)]);
    await tick();
    task.finish();
    await both;
    expect(task.starts).toBe(1);
    const again = flights.run("a", task.run);
    await tick();
    task.finish();
    await again;
    expect(task.starts).toBe(2);
  });

  it("lets one caller leave without stopping the other", async () => {
    const flights = new SharedFlights<string>();
    const task = controlledTask();
    const stop = new AbortController();
    const leaving = flights.run("a", task.run, { signal: stop.signal });
    const staying = flights.run("a", task.run);
    await tick();
    stop.abort(new Error("enough"));
    await expect(leaving).rejects.toThrow("enough");
    expect(task.signal?.aborted).toBe(false);
    task.finish();
    await expect(staying).resolves.toBeUndefined();
  });

  it("aborts the task when the last caller leaves, and lets it clean up before anything else happens", async () => {
    const flights = new SharedFlights<string>();
    const order: string[] = [];
    const slowToStop = async (op: Op): Promise<void> => {
      await new Promise((resolve) => op.signal?.addEventListener("abort", resolve));
      await tick();
      order.push("cleaned up");
      throw op.signal?.reason;
    };
    const stop = new AbortController();
    const leaving = flights.run("a", slowToStop, { signal: stop.signal }).catch((error: Error) => {
      order.push(`rejected: ${error.message}`);
    });
    await tick();
    stop.abort(new Error("enough"));
    const next = flights.run("b", async () => {}).then(() => flights.run("a", async () => void order.push("new task")));
    await Promise.all([leaving, next]);
    expect(order[0]).toBe("cleaned up");
    expect(order.slice(1).sort()).toEqual(["new task", "rejected: enough"]);
  });

  it("gives a failure to every caller and forgets it", async () => {
    const flights = new SharedFlights<string>();
    const fail = () => Promise.reject(new Error("broken"));
    const outcomes = await Promise.allSettled([flights.run("a", fail), flights.run("a", fail)]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "rejected"]);
    await expect(flights.run("a", async () => {})).resolves.toBeUndefined();
  });
});
