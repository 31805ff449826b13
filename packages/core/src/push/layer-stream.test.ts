import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { seededBytes } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import type { GrowingBlob } from "../oci/store.js";
import { MemoryStore } from "../store/memory.js";
import { LayerStream } from "./layer-stream.js";

const MIB = 1024 * 1024;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-stream-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("a layer's stream", () => {
  /** A store that reads what it is given to its end, and then looks at what that has become. */
  class GrowingStore extends MemoryStore {
    started = 0;
    received: Buffer | undefined;
    problem: unknown;

    async putGrowing(blob: GrowingBlob): Promise<boolean> {
      this.started += 1;
      try {
        this.received = await buffer(await blob.open());
        return (await blob.finished).digest === digestOf(this.received);
      } catch (error) {
        this.problem = error;
        throw error;
      }
    }
  }

  async function streamInto(target: GrowingStore, bytes: Buffer): Promise<LayerStream> {
    const file = join(folder, "layer");
    await writeFile(file, bytes);
    const stream = new LayerStream(target, file, () => {}, {});
    stream.grew(bytes.length);
    return stream;
  }

  const descriptorOf = (bytes: Buffer) => ({ mediaType: "", digest: digestOf(bytes), size: bytes.length });

  it("begins with 4 MiB, and gives all", async () => {
    const target = new GrowingStore();
    const bytes = seededBytes("layer", 4 * MIB);
    const stream = await streamInto(target, bytes);
    expect(target.started).toBe(1);
    expect(await stream.finish(descriptorOf(bytes))).toBe(true);
    expect(target.received?.equals(bytes)).toBe(true);
    expect(stream.hasSent).toBe(true);
  });

  it("doesn't begin with less", async () => {
    const target = new GrowingStore();
    const bytes = seededBytes("layer", 4 * MIB - 1);
    const stream = await streamInto(target, bytes);
    expect(await stream.finish(descriptorOf(bytes))).toBe(false);
    expect(target.started).toBe(0);
    expect(stream.hasSent).toBe(false);
  });

  it("fails the target with the reason why there will be no layer, and waits for it", async () => {
    const target = new GrowingStore();
    const stream = await streamInto(target, seededBytes("layer", 5 * MIB));
    await stream.fail(new Error("a file is gone"));
    expect(target.problem).toMatchObject({ message: "a file is gone" });
  });

  it("says of a target that fails that the layer is to be put", async () => {
    const target = new GrowingStore();
    target.putGrowing = () => Promise.reject(new Error("no such repository"));
    const bytes = seededBytes("layer", 5 * MIB);
    expect(await (await streamInto(target, bytes)).finish(descriptorOf(bytes))).toBe(false);
  });
});
