import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PushOptions, push, type SpkociEvent } from "@spkoci/core";
import {
  type FakeRegistry,
  type FakeRegistryOptions,
  type Fault,
  type FaultRequest,
  type FixtureStore,
  seededBytes,
  startFakeRegistry,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

const MIB = 1024 * 1024;
const SIZE = 16 * MIB;
const GREETER = "linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";
const FAST = { attempts: 3, baseMs: 1, maxMs: 2 };

let store: FixtureStore;
let folder: string;
let registry: FakeRegistry;

beforeAll(async () => {
  store = await unpackFixtureStore();
  await writeFile(join(store.path, store.store, GREETER, "noise"), seededBytes("noise", SIZE));
});
afterAll(() => store.remove());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-stream-"));
});
afterEach(async () => {
  await registry?.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: FakeRegistryOptions = {}): Promise<void> {
  registry = await startFakeRegistry(options);
}

function options(changes: Partial<PushOptions> = {}): PushOptions {
  return {
    store: store.store,
    sysroot: store.path,
    specs: ["greeter"],
    target: `${registry.host}/cache`,
    cacheDir: folder,
    runEnv: "prefix",
    access: { retry: FAST },
    ...changes,
  };
}

const onPatch = (fault: Fault) => (request: FaultRequest) => (request.method === "PATCH" ? fault : undefined);

/** The PUT that ends a streamed upload has no bytes. */
const onClosing = (fault: Fault) => (request: FaultRequest) =>
  request.method === "PUT" && request.headers["content-length"] === "0" ? fault : undefined;

/** The progress of greeter's layer in one stage. */
const isProgress = (event: SpkociEvent, stage: "archive" | "upload") =>
  event.type === "package-progress" && event.package.startsWith("greeter") && event.stage === stage ? event : undefined;

function sessions(): number {
  return registry.repository("cache").uploads.size;
}

const greeterOf = ({ packages }: Awaited<ReturnType<typeof push>>) => packages.at(-1);

/** How often greeter's layer went over, whole or in part. */
const sendings = (): string[] =>
  registry.requests
    .filter(({ method, bodyBytes }) => ["PATCH", "PUT"].includes(method) && bodyBytes > MIB)
    .map(({ method, status }) => `${method} ${status ?? "broken"}`);

describe("a push of a large layer", () => {
  it("sends its first bytes before the last are packed, and sends it once", async () => {
    const order: string[] = [];
    await start({ faults: onPatch({ onBytes: () => void order.push("arrived") }) });
    const emit = (event: SpkociEvent): void => {
      const packing = isProgress(event, "archive");
      if (packing && packing.bytes === packing.total) order.push("packed");
    };
    const result = await push(options(), { emit });
    expect(order.indexOf("arrived")).toBeGreaterThanOrEqual(0);
    expect(order.indexOf("arrived")).toBeLessThan(order.indexOf("packed"));
    expect(sendings()).toEqual(["PATCH 202"]);
    const size = greeterOf(result)?.layerSize ?? 0;
    expect(registry.requestsOf("PATCH", /uploads/)[0]?.bodyBytes).toBe(size);
    expect(result.totals.bytesSent).toBe(result.packages.reduce((sum, { layerSize }) => sum + (layerSize ?? 0), 0));
  });

  it("is packed to its end while the registry takes nothing", async () => {
    let packed: () => void = () => {};
    // The registry reads on once the layer is packed: if packing waited for it, both would wait for ever.
    const isPacked = new Promise<void>((resolve) => {
      packed = resolve;
    });
    await start({ faults: onPatch({ onBytes: () => isPacked }) });
    const emit = (event: SpkociEvent): void => {
      const packing = isProgress(event, "archive");
      if (packing && packing.bytes === packing.total) packed();
    };
    expect((await push(options(), { emit })).totals.failed).toBe(0);
    expect(sendings()).toEqual(["PATCH 202"]);
  });

  it("tells how much was sent once the size is known, up to all of it", async () => {
    await start();
    const told: number[] = [];
    let total: number | undefined;
    const result = await push(options(), {
      emit: (event) => {
        const sending = isProgress(event, "upload");
        if (sending) told.push(sending.bytes);
        total = sending?.total ?? total;
      },
    });
    expect(total).toBe(greeterOf(result)?.layerSize);
    expect(told.at(-1)).toBe(total);
    expect(told).toEqual([...told].sort((a, b) => a - b));
  });

  const broken: readonly (readonly [string, FakeRegistryOptions, string[]])[] = [
    ["doesn't know PATCH", { chunked: false }, ["PATCH 405", "PUT 201"]],
    ["refuses it in the middle", { faults: onPatch({ status: 413, early: true }) }, ["PUT 201"]],
    ["cuts it", { faults: onPatch({ resetAfter: 5 * MIB }) }, ["PATCH broken", "PUT 201"]],
    ["loses its answer", { faults: onPatch({ loseReply: true }) }, ["PATCH broken", "PUT 201"]],
    ["finds it damaged", { faults: onClosing({ status: 400 }) }, ["PATCH 202", "PUT 201"]],
  ];
  it.each(broken)("goes on from the spool where the registry %s", async (_what, registryOptions, expected) => {
    await start(registryOptions);
    const result = await push(options({ jobs: 1 }));
    expect(result.totals).toMatchObject({ pushed: 3, failed: 0 });
    expect(sendings()).toEqual(expected);
    expect(sessions()).toBe(0);
    expect(await readdir(join(folder, "spool"))).toEqual([]);
    expect(result.totals.bytesSent).toBe(result.packages.reduce((sum, { layerSize }) => sum + (layerSize ?? 0), 0));
  });

  it("is not sent again where only the answer to its end was lost", async () => {
    await start({ faults: onClosing({ loseReply: true }) });
    expect(greeterOf(await push(options()))?.outcome).toBe("pushed");
    expect(sendings()).toEqual(["PATCH 202"]);
  });

  it("that the target may have is not sent before that is known", async () => {
    await start();
    await push(options());
    registry.clearRequests();
    const again = await push(options({ force: true }));
    expect(again.totals).toMatchObject({ pushed: 3, bytesSent: 0 });
    expect(sendings()).toEqual([]);
    expect(registry.requestsOf("POST", /uploads/)).toEqual([]);
  });

  it("leaves no session and no file when it is aborted", async () => {
    const stop = new AbortController();
    await start({ faults: onPatch({ onBytes: () => stop.abort(new Error("enough")) }) });
    // One job: an upload that begins as the push is aborted is unknown to spkoci, and the registry forgets it in time.
    await expect(push(options({ jobs: 1 }), { signal: stop.signal })).rejects.toThrow("enough");
    expect(sessions()).toBe(0);
    expect(registry.repository("cache").tags.has("index.spack")).toBe(false);
    expect(await readdir(join(folder, "spool"))).toEqual([]);
  });
});
