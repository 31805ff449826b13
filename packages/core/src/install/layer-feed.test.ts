import { randomBytes } from "node:crypto";
import { PassThrough } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { LayerFeed } from "./layer-feed.js";
import type { ToStage } from "./stage-messages.js";

/** A feed, and what its thread was told. */
function feedOf(layer: PassThrough, size: number): { feed: LayerFeed; told: ToStage[] } {
  const told: ToStage[] = [];
  return { feed: new LayerFeed(1, layer, size, (message) => told.push(message)), told };
}

describe("LayerFeed", () => {
  it("leaves a slot as it is until it is given back, also when the layer has come to its end", async () => {
    const bytes = randomBytes(100_000);
    const layer = new PassThrough();
    layer.end(bytes);
    const { feed, told } = feedOf(layer, 1);
    const running = feed.run();
    const got: Buffer[] = [];
    for (;;) {
      await setTimeout(1);
      const message = told.shift();
      if (message?.type === "layer-end") break;
      if (message?.type !== "bytes") throw new Error("the next bytes should have come");
      // As late as a thread that is slower than the layer.
      got.push(Buffer.from(Buffer.from(feed.room, message.at, message.length)));
      feed.used(1);
    }
    await running;
    expect(Buffer.concat(got).equals(bytes)).toBe(true);
  });

  it("ends when nobody gives slots back any more, and sends nothing then", async () => {
    const layer = new PassThrough();
    layer.end(randomBytes(100_000));
    const { feed, told } = feedOf(layer, 1);
    const running = feed.run();
    await setTimeout(5);
    const before = told.length;
    feed.stop();
    await running;
    expect(told).toHaveLength(before);
    expect(told.some(({ type }) => type === "layer-end")).toBe(false);
  });
});
