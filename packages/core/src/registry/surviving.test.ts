import { createServer, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type FakeRegistry,
  type FakeRegistryOptions,
  type Fault,
  type FaultHook,
  seededBlob,
  startFakeRegistry,
} from "@spkoci/testkit";
import { afterEach, describe, expect, it } from "vitest";
import type { PaceEvent, RetryEvent, SpkociEvent } from "../base/events.js";
import type { Op } from "../base/op.js";
import type { Store } from "../oci/store.js";
import type { RegistryAccess } from "./access.js";
import { openRegistry } from "./open-registry.js";
import { RegistryError } from "./registry-error.js";

const FAST = { attempts: 4, baseMs: 1, maxMs: 2 };
const USER = { username: "ann", password: "s3cret-password" };

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const registry = await startFakeRegistry(options);
  closers.push(() => registry.close());
  return registry;
}

const open = ({ host: registry }: FakeRegistry, access: RegistryAccess = {}, repository = "org/cache"): Store =>
  openRegistry({ registry, repository }, { retry: FAST, ...access });

/** An op and what it is told. */
function listening(): { op: Op; retries: () => RetryEvent[]; paces: () => PaceEvent[] } {
  const events: SpkociEvent[] = [];
  const op = { emit: (event: SpkociEvent) => events.push(event) };
  const retries = (): RetryEvent[] => events.filter((event) => event.type === "retry");
  return { op, retries, paces: () => events.filter((event) => event.type === "pace") };
}

const first =
  (fault: Fault, times = 1): FaultHook =>
  ({ count }) =>
    count <= times ? fault : undefined;

describe("a request", () => {
  const { descriptor } = seededBlob("x", 10);

  it.each([408, 425, 429, 500, 502, 503, 504, 507, 522])("checklist 63: is repeated after a %i", async (status) => {
    const store = open(await start({ faults: first({ status }, 2) }));
    const { op, retries } = listening();
    expect(await store.has(descriptor, op)).toBe(false);
    expect(retries().map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it.each([400, 402, 403, 405, 406, 409, 410, 418, 451, 501])(
    "checklist 63: is not repeated after a %i",
    async (status) => {
      const registry = await start({ faults: () => ({ status }) });
      await expect(open(registry).has(descriptor)).rejects.toBeInstanceOf(RegistryError);
      expect(registry.requests).toHaveLength(1);
    },
  );

  it.each<[string, Fault]>([
    ["a reset", { resetAfter: 0 }],
    ["a lost answer", { loseReply: true }],
    ["a stall", { delayMs: 2000 }],
  ])("checklist 63: is repeated after %s", async (_what, fault) => {
    const store = open(await start({ faults: first(fault) }), { idleTimeoutMs: 300 });
    const { op, retries } = listening();
    expect(await store.has(descriptor, op)).toBe(false);
    expect(retries()).toHaveLength(1);
  });

  it.each(["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"])(
    "checklist 63: is repeated when the connection ends after %j",
    async (said) => {
      let connections = 0;
      const sockets: Socket[] = [];
      const server = createServer((socket) => {
        connections += 1;
        sockets.push(socket);
        const answer = connections > 1 ? 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"tags":[]}' : said;
        socket.on("error", () => {});
        socket.once("data", () => socket.end(answer));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      closers.push(() => new Promise((resolve) => server.close(resolve)));
      closers.unshift(async () => sockets.forEach((socket) => void socket.destroy()));
      const { port } = server.address() as { port: number };
      const access = { retry: FAST, plainHttp: true };
      const store = openRegistry({ registry: `localhost:${port}`, repository: "a" }, access);
      const tags: string[] = [];
      for await (const tag of store.tags()) tags.push(tag);
      expect([tags, connections]).toEqual([[], 2]);
    },
  );

  it("checklist 63: waits for what GHCR says in its message, unless that is shorter than the usual pause", async () => {
    const body = (wait: string): object => ({
      errors: [{ code: "TOOMANYREQUESTS", message: `retry-after: ${wait}, allowed: 44000/minute` }],
    });
    // A HEAD's answer has no body.
    const faults: FaultHook = ({ method, count }) => {
      if (method !== "POST" || count > 2) return undefined;
      return { status: 429, body: body(count === 1 ? "150ms" : "12.5ms") };
    };
    const { op, retries } = listening();
    await open(await start({ faults })).put(seededBlob("x", 10), op);
    const [long, short] = retries().map(({ delayMs }) => delayMs);
    expect(long).toBe(150);
    expect(short).toBeLessThanOrEqual(FAST.maxMs);
  });
});

describe("the retries of a run", () => {
  it("are bounded in all, over all registries and requests", async () => {
    const registries = [await start(), await start()];
    for (const registry of registries) registry.faults = () => ({ status: 500 });
    const access: RegistryAccess = { retry: FAST, retries: 7 };
    const stores = registries.map((registry) =>
      openRegistry({ registry: registry.host, repository: "org/cache" }, access),
    );
    const { op, retries } = listening();
    const blobs = Array.from({ length: 20 }, (_, at) => seededBlob(`blob ${at}`, 10));
    const errors: unknown[] = [];
    for (const { descriptor } of blobs) {
      for (const store of stores) await store.has(descriptor, op).catch((error: unknown) => errors.push(error));
    }
    expect(registries.flatMap(({ requests }) => requests)).toHaveLength(40 + 7);
    expect(retries().map(({ retries }) => retries)).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((used) => ({ used, allowed: 7 })),
    );
    expect(errors[0]).toMatchObject({ code: "REGISTRY_REJECTED", status: 500 });
    expect(errors.at(-1)).toMatchObject({
      name: "RegistryError",
      code: "RETRIES_SPENT",
      status: 500,
      message: expect.stringMatching(
        /^looking for blob sha256:\w+ in .+: 500 .+; all 7 retries of this run are used up$/,
      ),
      hint: expect.stringContaining("--retries"),
    });
  });

  it("can be turned off", async () => {
    const registry = await start({ faults: first({ status: 503 }) });
    const { descriptor } = seededBlob("x", 10);
    await expect(open(registry, { retries: 0 }).has(descriptor)).rejects.toThrow(/503 .*; retries are turned off/);
    expect(registry.requests).toHaveLength(1);
  });
});

describe("how much a registry is asked at once", () => {
  const blobs = Array.from({ length: 24 }, (_, at) => seededBlob(`blob ${at}`, 10));

  it("becomes less when it answers 429, and never more than allowed", async () => {
    const registry = await start();
    const { op, paces } = listening();
    const store = open(registry, { maxRequests: 8 });
    let running = 0;
    const most: number[] = [];
    registry.faults = ({ count, path }) => {
      if (count === 1 && path.endsWith(blobs[8]?.descriptor.digest ?? "")) return { status: 429 };
      running += 1;
      most.push(running);
      setTimeout(() => (running -= 1), 10);
      return { delayMs: 10 };
    };
    await Promise.all(blobs.map(({ descriptor }) => store.has(descriptor, op)));
    expect(Math.max(...most)).toBeLessThanOrEqual(8);
    expect(paces()).toEqual([{ type: "pace", registry: registry.host, atOnce: 4, reason: "429" }]);
  });

  it("is nothing while it asks to wait, whatever is wanted of it", async () => {
    const registry = await start();
    registry.faults = first({ status: 429, headers: { "retry-after": "60" } });
    const stop = new AbortController();
    const store = open(registry);
    const calls: Promise<boolean>[] = [];
    await new Promise<void>((resolve) => {
      const emit = ({ type }: SpkociEvent): void => void (type === "retry" && resolve());
      calls.push(store.has(seededBlob("first", 1).descriptor, { signal: stop.signal, emit }));
    });
    calls.push(...blobs.map(({ descriptor }) => store.has(descriptor, { signal: stop.signal })));
    await sleep(50);
    expect(registry.requests).toHaveLength(1);
    stop.abort(new Error("enough"));
    for (const call of calls) await expect(call).rejects.toThrow("enough");
  });

  it("lets an upload end whose source is a download of the same registry that breaks off, with tokens that expire", async () => {
    const registry = await start({ auth: { type: "bearer", ...USER, usesPerToken: 8 } });
    const access: RegistryAccess = { retry: FAST, maxRequests: 1, credentials: async () => USER };
    const at = (repository: string): Store => openRegistry({ registry: registry.host, repository }, access);
    const [source, target] = [at("org/base"), at("org/cache")];
    const large = [0, 1, 2].map((name) => seededBlob(`large ${name}`, 3_000_000));
    for (const { bytes } of large) registry.repository("org/base").addBlob(bytes);
    registry.faults = ({ method, count }) => (method === "GET" && count === 1 ? { cutAfter: 1_000_000 } : undefined);
    await Promise.all(
      large.map(({ descriptor }) => target.put({ descriptor, open: (op) => source.open(descriptor, op) })),
    );
    expect(registry.repository("org/cache").blobs.size).toBe(3);
    const ranges = registry.requestsOf("GET", /blobs/).filter(({ headers }) => headers.range !== undefined);
    expect(ranges.length).toBeGreaterThanOrEqual(3);
  });

  it("doesn't count downloads whose bytes come", async () => {
    const registry = await start();
    const store = open(registry, { maxRequests: 1 });
    const large = [0, 1, 2].map((name) => seededBlob(`large ${name}`, 3_000_000));
    for (const { bytes } of large) registry.repository("org/cache").addBlob(bytes);
    const streams = await Promise.all(large.map(({ descriptor }) => store.open(descriptor)));
    const contents = await Promise.all(streams.map((stream) => buffer(stream)));
    expect(contents.map((content, at) => content.equals(large[at]?.bytes ?? Buffer.alloc(0)))).toEqual([
      true,
      true,
      true,
    ]);
  });
});
