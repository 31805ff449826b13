import { Readable } from "node:stream";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { describe, expect, it, vi } from "vitest";
import type { ToStage } from "./stage-messages.js";
import { type StageThreadData, StageThreads } from "./stage-threads.js";

describe("StageThreads", () => {
  it("leaves the thread that has a large layer to it alone, and has the other give way to it", async () => {
    const asked: { thread: number; what: string }[] = [];
    const ports: MessagePort[] = [];
    const told: StageThreadData[] = [];
    const start = (data: StageThreadData): MessagePort => {
      told.push(data);
      const { port1, port2 } = new MessageChannel();
      const thread = ports.push(port2) - 1;
      port2.on("message", (message: ToStage) => {
        if (message.type === "unpack") asked.push({ thread, what: message.job.what });
        if (message.type === "stop")
          port2.postMessage({ type: "failed", id: message.id, error: { message: "stopped" } });
      });
      port2.postMessage({ type: "ready" });
      return port1;
    };
    const threads = new StageThreads(start);
    threads.start(2);
    const stop = new AbortController();
    const stageOne = (what: string, size: number): Promise<unknown> => {
      const layer = new Readable({ read: () => {} });
      return threads.stage(
        { what, folder: "/staged", diffId: undefined, relativePrefix: "pkg" },
        Promise.resolve(layer),
        size,
        { signal: stop.signal },
      );
    };
    const all = [stageOne("large", 100), stageOne("small", 20), stageOne("smaller", 10), stageOne("other", 69)];
    const ended = Promise.allSettled(all);
    await vi.waitFor(() => expect(asked).toHaveLength(4));
    stop.abort();
    await ended;
    for (const port of ports) port.close();
    const threadOf = (what: string): number | undefined => asked.find((one) => one.what === what)?.thread;
    expect(threadOf("large")).toBe(0);
    expect(["small", "smaller", "other"].map(threadOf)).toEqual([1, 1, 1]);
    expect(told).toEqual([{ givesWay: false }, { givesWay: true }]);
  });
});
