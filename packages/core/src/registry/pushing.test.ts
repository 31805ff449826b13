import { FAST_RETRY, type Fault, type FaultRequest, RegistryScene, seededBlob } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import type { RegistryAccess } from "./access.js";
import { openRegistry } from "./open-registry.js";

const scene = new RegistryScene();
const { open, expectStored } = scene;

/** The fault for the first `times` requests of a method. */
const failing =
  (method: string, fault: Fault, times = 1) =>
  (request: FaultRequest): Fault | undefined =>
    request.method === method && request.count <= times ? fault : undefined;

describe("uploads", () => {
  it.each([false, true])(
    "checklist 25, 26: POST, then PUT to the Location with its query kept (absolute: %s)",
    async (absoluteLocations) => {
      const store = await open({ absoluteLocations });
      const blob = seededBlob("one", 200_000);
      await store.put(blob);
      const [put] = scene.registry.requestsOf("PUT", /uploads/);
      expect(put?.headers).toMatchObject({ "content-length": "200000", "content-type": "application/octet-stream" });
      expect(put?.headers["transfer-encoding"]).toBeUndefined();
      expect(put?.query.get("digest")).toBe(blob.descriptor.digest);
      expect(scene.registry.requestsOf("POST", /uploads/)[0]?.headers["content-length"]).toBe("0");
      expectStored(blob);
    },
  );

  it("checklist 66: name the tool in every request", async () => {
    await (await open()).put(seededBlob("one", 10));
    for (const { headers } of scene.registry.requests) expect(headers["user-agent"]).toMatch(/^spkoci\/\d+\.\d+/);
  });

  it("checklist 15: keep no cookies", async () => {
    const store = await open({ faults: () => ({ headers: { "set-cookie": "session=1" } }) });
    await store.put(seededBlob("one", 10));
    for (const { headers } of scene.registry.requests) expect(headers.cookie).toBeUndefined();
  });

  it.each([307, 308, 302, 301])("checklist 20, 36: follow a %i with the whole body again", async (status) => {
    const store = await open();
    scene.registry.faults = ({ method, path, query, count }) =>
      method === "PUT" && count === 1 ? { status, headers: { location: `${path}?${query}` }, early: true } : undefined;
    const blob = seededBlob("redirected", 3_000_000);
    await store.put(blob);
    expectStored(blob);
    expect(blob.opens).toBe(2);
  });

  it("fail after ten redirects", async () => {
    const store = await open();
    scene.registry.faults = ({ path }) => ({ status: 307, headers: { location: path } });
    await expect(store.has(seededBlob("x", 1).descriptor)).rejects.toMatchObject({ code: "REGISTRY_PROTOCOL" });
    expect(scene.registry.requests).toHaveLength(11);
  });

  it.each<[string, Fault]>([
    ["a broken connection", { resetAfter: 100_000 }],
    ["a lost reply", { loseReply: true }],
    ["a 503", { status: 503 }],
    ["an early 429", { status: 429, early: true }],
    ["a 500 with HTML", { status: 500, body: "<html>" }],
  ])("checklist 13, 36, 63: begin again with the whole body after %s", async (_what, fault) => {
    const store = await open({ faults: failing("PUT", fault) });
    const events: SpkociEvent[] = [];
    const blob = seededBlob("again", 1_000_000);
    await store.put(blob, { emit: (event) => events.push(event) });
    expectStored(blob);
    expect(events.filter(({ type }) => type === "retry")).toHaveLength(1);
  });

  it.each([400, 401, 403, 404, 405, 413])("checklist 63: are not repeated after a %i", async (status) => {
    const store = await open({
      faults: failing("PUT", { status, body: { errors: [{ code: "NO", message: "no" }] } }, 9),
    });
    await expect(store.put(seededBlob("x", 10))).rejects.toMatchObject({
      status,
      errors: [{ code: "NO", message: "no" }],
    });
    expect(scene.registry.requestsOf("PUT", /uploads/)).toHaveLength(1);
  });

  it.each(["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"])(
    "checklist 36, 62: begin anew, with the whole body, where the registry answers %s",
    async (code) => {
      const fault = { status: 404, body: { errors: [{ code, message: "blob upload unknown" }] } };
      const store = await open({ faults: failing("PUT", fault, 2) });
      const events: SpkociEvent[] = [];
      const blob = seededBlob("again", 100_000);
      await store.put(blob, { emit: (event) => events.push(event) });
      expectStored(blob);
      expect(scene.registry.requestsOf("POST", /uploads/)).toHaveLength(3);
      const retries = events.filter((event) => event.type === "retry");
      expect(retries.map(({ reason, retries }) => [reason, retries?.used])).toEqual([
        ["the registry lost the upload", 1],
        ["the registry lost the upload", 2],
      ]);
    },
  );

  it("that the registry never knows fail with its own words, within the tries of a request and the retries of a run", async () => {
    const fault = { status: 404, body: { errors: [{ code: "BLOB_UPLOAD_UNKNOWN", message: "never heard of" }] } };
    const store = await open({ faults: failing("PUT", fault, 99) }, { retries: 3 });
    await expect(store.put(seededBlob("one", 10))).rejects.toMatchObject({
      code: "REGISTRY_REJECTED",
      status: 404,
      errors: [{ code: "BLOB_UPLOAD_UNKNOWN" }],
      message: expect.stringMatching(/^pushing blob sha256:\w+ to .+: 404 BLOB_UPLOAD_UNKNOWN: never heard of$/),
    });
    expect(scene.registry.requestsOf("POST", /uploads/)).toHaveLength(3);
    await expect(store.put(seededBlob("two", 10))).rejects.toMatchObject({ code: "RETRIES_SPENT", status: 404 });
    expect(scene.registry.requestsOf("POST", /uploads/)).toHaveLength(5);
  });

  it("checklist 63: wait as long as the registry asks, and take a secondary rate limit's 403 for a 429", async () => {
    const fault = { status: 403, headers: { "retry-after": "0.2" }, body: "You have exceeded a secondary rate limit." };
    const store = await open({ faults: failing("POST", fault) });
    const events: SpkociEvent[] = [];
    await store.put(seededBlob("x", 10), { emit: (event) => events.push(event) });
    expect(events.find(({ type }) => type === "retry")).toMatchObject({ attempt: 1, delayMs: 200 });
  });

  it("end with REGISTRY_RATE_LIMITED when the registry asks for an hour", async () => {
    const store = await open({ faults: failing("HEAD", { status: 429, headers: { "retry-after": "3600" } }, 9) });
    await expect(store.put(seededBlob("x", 10))).rejects.toMatchObject({ code: "REGISTRY_RATE_LIMITED" });
    expect(scene.registry.requests).toHaveLength(1);
  });

  it("tell what failed in one line, with the registry's own words", async () => {
    const body = { errors: [{ code: "DENIED", message: "requested access\r\nto the resource is \u001b[31mdenied" }] };
    const store = await open({ faults: failing("PUT", { status: 403, body }) }, { credentials: async () => undefined });
    const { digest } = seededBlob("x", 10).descriptor;
    await expect(store.put(seededBlob("x", 10))).rejects.toMatchObject({
      name: "RegistryError",
      message: `pushing blob ${digest} to ${scene.registry.host}/org/cache: 403 DENIED: requested access to the resource is [31mdenied`,
      method: "PUT",
      url: expect.stringMatching(/\?…$/),
    });
  });

  it("checklist 40: explain a 413", async () => {
    const store = await open({ faults: failing("PUT", { status: 413, early: true }) });
    await expect(store.put(seededBlob("x", 3_000_000))).rejects.toMatchObject({
      code: "REGISTRY_REJECTED",
      hint: expect.stringContaining("limits the size of uploads"),
    });
  });

  it("checklist 33: that are aborted are given up at the registry, with the abort's own reason", async () => {
    const store = await open();
    const stop = new AbortController();
    const reason = new Error("Ctrl-C");
    scene.registry.faults = ({ method }) => {
      if (method !== "PUT") return undefined;
      setTimeout(() => stop.abort(reason), 20);
      return { delayMs: 500 };
    };
    await expect(store.put(seededBlob("x", 3_000_000), { signal: stop.signal })).rejects.toBe(reason);
    expect(scene.registry.requestsOf("DELETE", /uploads/).map(({ status }) => status)).toEqual([204]);
    expect(scene.repository.uploads.size).toBe(0);
  });

  it("that stall end with REGISTRY_UNREACHABLE", async () => {
    const store = await open(
      { faults: failing("PUT", { delayMs: 1000 }, 9) },
      { idleTimeoutMs: 50, retry: { ...FAST_RETRY, attempts: 1 } },
    );
    await expect(store.put(seededBlob("x", 10))).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      message: expect.stringContaining("nothing moved"),
    });
  });

  it("without a Location are a REGISTRY_PROTOCOL error", async () => {
    const store = await open({ faults: failing("POST", { headers: { location: null } }) });
    await expect(store.put(seededBlob("x", 10))).rejects.toMatchObject({ code: "REGISTRY_PROTOCOL" });
  });

  it("run no more at once than allowed, even when they read from the same registry", async () => {
    const access: RegistryAccess = { maxRequests: 2, retry: FAST_RETRY };
    await scene.start();
    const source = openRegistry({ registry: scene.registry.host, repository: "org/base" }, access);
    const target = openRegistry({ registry: scene.registry.host, repository: "org/cache" }, access);
    const blobs = Array.from({ length: 8 }, (_, at) => seededBlob(`copy ${at}`, 300_000));
    for (const { bytes } of blobs) scene.registry.repository("org/base").addBlob(bytes);
    let running = 0;
    let most = 0;
    scene.registry.faults = () => {
      running += 1;
      most = Math.max(most, running);
      setTimeout(() => (running -= 1), 5);
      return { delayMs: 5 };
    };
    await Promise.all(
      blobs.map(({ descriptor }) => target.put({ descriptor, open: (op) => source.open(descriptor, op) })),
    );
    expect(scene.repository.blobs.size).toBe(8);
    expect(most).toBeLessThanOrEqual(4);
  });
});

describe("checklist 34: mounts", () => {
  const blob = seededBlob("base", 1000);

  it("make a blob appear without sending it", async () => {
    const store = await open();
    scene.registry.repository("org/base").addBlob(blob.bytes);
    expect(await store.mount?.(blob.descriptor, "org/base")).toBe(true);
    await store.put(blob);
    expect(scene.registry.requestsOf("PUT", /uploads/)).toHaveLength(0);
  });

  it("that begin an upload instead have it used", async () => {
    const store = await open({ mounts: false });
    expect(await store.mount?.(blob.descriptor, "org/base")).toBe(false);
    await store.put(blob);
    expect(scene.registry.requestsOf("POST", /uploads/)).toHaveLength(1);
    expect(scene.repository.blobs.size).toBe(1);
  });

  it.each([400, 401, 403, 404, 405, 500])("that are answered %i leave the sending to the caller", async (status) => {
    const store = await open({ faults: ({ query }) => (query.has("mount") ? { status } : undefined) });
    expect(await store.mount?.(blob.descriptor, "org/base")).toBe(false);
    await store.put(blob);
    expect(scene.repository.blobs.size).toBe(1);
  });
});

describe("checklist 64: warnings", () => {
  it("are shown once each", async () => {
    const store = await open({
      faults: () => ({ headers: { warning: '299 - "going \\"away\\" soon", 199 x "other"' } }),
    });
    const events: SpkociEvent[] = [];
    const op = { emit: (event: SpkociEvent) => events.push(event) };
    for (const seed of ["a", "b"]) await store.has(seededBlob(seed, 1).descriptor, op);
    const warnings = events.filter(({ type }) => type === "warning");
    expect(warnings).toEqual([{ type: "warning", message: `${scene.registry.host} says: going "away" soon` }]);
  });
});
