import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { createTemporaryFolder, seededBytes, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { pooledCalls } from "../base/file-calls.js";
import { type LayerCaller, LayerThreads, startLayerThread, type Thread } from "./layer-threads.js";
import { serveLayers } from "./serve-layers.js";
import { type LayerJob, writeLayer } from "./write-layer.js";

let temporary: TemporaryFolder;
let prefix: string;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  prefix = join(temporary.path, "prefix");
  await mkdir(prefix);
  await writeFile(join(prefix, "a"), "names /opt/spack/x");
  await writeFile(join(prefix, "b"), seededBytes("b", 2_000_000));
});

afterEach(() => temporary.remove());

function jobOf(name = "layer"): LayerJob {
  return {
    prefix: "/opt/spack/pkg",
    path: prefix,
    listed: undefined,
    needles: ["/opt/spack"],
    settings: { compression: "gzip", level: 1 },
    file: join(temporary.path, name),
    folder: temporary.path,
  };
}

const caller: LayerCaller = { buildInfo: (found) => JSON.stringify(found) };

/** A thread that isn't one: the other end of its port is served here. */
function localThread(): Thread {
  const { port1, port2 } = new MessageChannel();
  serveLayers(port2, { calls: pooledCalls, budget: { spareBytes: 1 << 20 } });
  return port1;
}

/** A thread that gets ready, and breaks when it is told to make something. */
function breakingThread(file: string): Thread {
  const listeners = new Map<string, (value: unknown) => void>();
  return {
    on: (event: string, listener: (value: never) => void) => {
      listeners.set(event, listener as (value: unknown) => void);
      if (event === "message") setImmediate(() => listeners.get("message")?.({ type: "ready" }));
    },
    postMessage: () => {
      void writeFile(file, "half").then(() => listeners.get("error")?.(new Error("out of memory")));
    },
    ref: () => {},
    unref: () => {},
  };
}

describe("LayerThreads", () => {
  it("makes what is made without threads, tells how far it is, and asks for the build info", async () => {
    const expected = await writeLayer(jobOf("own"), caller, { calls: pooledCalls, budget: { spareBytes: 0 } });
    const threads = new LayerThreads(2, localThread);
    const sizes: number[] = [];
    const read: [number, number][] = [];
    const job = jobOf();
    const layer = await threads.run(job, {
      ...caller,
      onGrowth: (size) => sizes.push(size),
      onProgress: (...it) => read.push(it),
    });
    expect(layer).toEqual(expected);
    expect(digestOf(await readFile(job.file))).toBe(expected.digest);
    expect(sizes.at(-1)).toBe(expected.size);
    expect(read.at(-1)).toEqual([2_000_018, 2_000_018]);
    // A message costs both threads more than the reading of a small file.
    expect(sizes.length).toBeLessThanOrEqual(3);
    expect(read.length).toBeLessThanOrEqual(3);
  });

  it("starts no more threads than it may, each when the others are busy, and none before there is work", async () => {
    let started = 0;
    const threads = new LayerThreads(2, () => {
      started += 1;
      return localThread();
    });
    expect(started).toBe(0);
    await threads.run(jobOf("first"), caller);
    await threads.run(jobOf("second"), caller);
    expect(started).toBe(1);
    await Promise.all(["a", "b", "c", "d"].map((name) => threads.run(jobOf(name), caller)));
    expect(started).toBe(2);
  });

  it("throws what failed in the thread whole, and leaves no file", async () => {
    const job = { ...jobOf(), path: join(temporary.path, "missing") };
    await expect(new LayerThreads(1, localThread).run(job, caller)).rejects.toMatchObject({
      name: "SpkociError",
      code: "PREFIX_MISSING",
      hint: expect.stringContaining("spack reindex"),
      cause: expect.objectContaining({ code: "ENOENT" }),
    });
    expect(existsSync(job.file)).toBe(false);
  });

  it("throws the very error that the build info failed with, and leaves no file", async () => {
    const failure = new Error("a defect");
    const buildInfo = (): string => {
      throw failure;
    };
    const job = jobOf();
    await expect(new LayerThreads(1, localThread).run(job, { buildInfo })).rejects.toBe(failure);
    expect(existsSync(job.file)).toBe(false);
  });

  it("throws an abort's own reason, whenever it comes, and leaves no file", async () => {
    const threads = new LayerThreads(1, localThread);
    for (const turns of [0, 1, 5, 20, 60]) {
      const stop = new AbortController();
      const reason = new Error(`after ${turns}`);
      const job = jobOf(`stopped-${turns}`);
      const making = threads.run(job, caller, { signal: stop.signal });
      making.catch(() => {});
      for (let at = 0; at < turns; at += 1) await new Promise((resolve) => setImmediate(resolve));
      stop.abort(reason);
      await expect(making).rejects.toBe(reason);
      expect(existsSync(job.file)).toBe(false);
    }
    expect(await threads.run(jobOf("after"), caller)).toBeDefined();
  });

  it("fails a layer whose thread breaks, removes its file, and starts another thread for the next", async () => {
    const job = jobOf();
    const kinds = [() => breakingThread(job.file), localThread];
    const threads = new LayerThreads(1, () => (kinds.shift() ?? localThread)());
    await expect(threads.run(job, caller)).rejects.toMatchObject({
      message: expect.stringContaining("thread"),
      cause: expect.objectContaining({ message: "out of memory" }),
    });
    expect(existsSync(job.file)).toBe(false);
    expect(await threads.run(job, caller)).toBeDefined();
  });

  it("has a thread ready that was asked for before, and starts no other", async () => {
    let started = 0;
    const threads = new LayerThreads(2, () => {
      started += 1;
      return localThread();
    });
    threads.prepare();
    threads.prepare();
    expect(started).toBe(1);
    expect(await threads.run(jobOf(), caller)).toBeDefined();
    expect(started).toBe(1);
  });

  it("makes all in the threads that there are where there may be no more", async () => {
    let tried = 0;
    const threads = new LayerThreads(3, () => {
      tried += 1;
      if (tried > 1) throw new Error("ERR_WORKER_INIT_FAILED");
      return localThread();
    });
    const layers = await Promise.all(["a", "b", "c"].map((name) => threads.run(jobOf(name), caller)));
    expect(layers.every((layer) => layer !== undefined)).toBe(true);
    expect(tried).toBe(2);
  });

  it("makes nothing where there may be no threads at all", async () => {
    const threads = new LayerThreads(1, () => {
      throw new Error("ERR_WORKER_INIT_FAILED");
    });
    threads.prepare();
    expect(await threads.run(jobOf(), caller)).toBeUndefined();
  });

  it("makes nothing where no thread can be started, and doesn't try again", async () => {
    let tried = 0;
    const threads = new LayerThreads(1, () => {
      tried += 1;
      // The compiled file isn't beside its source.
      return startLayerThread({ spareBytes: 0 });
    });
    expect(await threads.run(jobOf(), caller)).toBeUndefined();
    expect(await threads.run(jobOf(), caller)).toBeUndefined();
    expect(tried).toBe(1);
  });
});
