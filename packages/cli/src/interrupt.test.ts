import { EventEmitter, once } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { interruptible } from "./interrupt.js";

function setUp(): { source: EventEmitter; onFirst: () => void; onSecond: (exitCode: number) => void } {
  return { source: new EventEmitter(), onFirst: vi.fn(), onSecond: vi.fn() };
}

describe("interruptible", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])("aborts on the first %s, waits for the clean-up, and throws what exits with %d", async (signal, exitCode) => {
    const { source, onFirst, onSecond } = setUp();
    let cleaned = false;
    const task = async (stop: AbortSignal): Promise<void> => {
      source.emit(signal);
      await new Promise((fulfil) => setImmediate(fulfil));
      cleaned = true;
      stop.throwIfAborted();
    };
    await expect(interruptible(task, { onFirst, onSecond }, source)).rejects.toMatchObject({
      code: "INTERRUPTED",
      exitCode,
    });
    expect(cleaned).toBe(true);
    expect(onFirst).toHaveBeenCalledOnce();
    expect(onSecond).not.toHaveBeenCalled();
  });

  it("ends at once on the second signal", async () => {
    const { source, onFirst, onSecond } = setUp();
    const task = async (stop: AbortSignal): Promise<boolean> => {
      await once(source, "go");
      return stop.aborted;
    };
    const run = interruptible(task, { onFirst, onSecond }, source);
    source.emit("SIGINT");
    source.emit("SIGTERM");
    expect(onSecond).toHaveBeenCalledExactlyOnceWith(143);
    source.emit("go");
    expect(await run).toBe(true);
  });

  it("leaves no listeners behind", async () => {
    const { source, onFirst, onSecond } = setUp();
    await interruptible(async () => {}, { onFirst, onSecond }, source);
    expect(source.eventNames()).toEqual([]);
  });
});
