import { Readable } from "node:stream";
import {
  type FakeRegistry,
  type FakeRegistryOptions,
  type Fault,
  type FaultHook,
  seededBytes,
  startFakeRegistry,
} from "@spkoci/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../base/digest.js";
import type { SpkociEvent } from "../base/events.js";
import type { GrowingBlob, Store } from "../oci/store.js";
import type { RegistryAccess } from "./access.js";
import { openRegistry } from "./open-registry.js";

const MIB = 1024 * 1024;
const PIECE = 64 * 1024;
const BYTES = seededBytes("streamed", 3 * MIB + 17);
const DIGEST = digestOf(BYTES);
const USER = { username: "ann", password: "s3cret" };

let registry: FakeRegistry;
afterEach(() => registry?.close());

async function open(options: FakeRegistryOptions = {}, access: RegistryAccess = {}): Promise<Store> {
  registry = await startFakeRegistry(options);
  return openRegistry({ registry: registry.host, repository: "org/cache" }, access);
}

interface Made extends GrowingBlob {
  /** How often it was opened. */
  opens: number;
}

/** A blob of which no more comes after `half` of it until `rest` resolves. `digest` is what its maker says at last. */
function growing(rest: Promise<unknown> = Promise.resolve(), digest: Digest = DIGEST): Made {
  const half = BYTES.length >> 1;
  const pieces = async function* (): AsyncGenerator<Buffer> {
    for (let at = 0; at < half; at += PIECE) yield BYTES.subarray(at, Math.min(half, at + PIECE));
    await rest;
    for (let at = half; at < BYTES.length; at += PIECE) yield BYTES.subarray(at, at + PIECE);
  };
  const finished = rest.then(() => ({ mediaType: "text/plain", digest, size: BYTES.length }));
  finished.catch(() => {});
  const blob: Made = {
    opens: 0,
    finished,
    open: async () => {
      blob.opens += 1;
      return Readable.from(pieces(), { objectMode: false });
    },
  };
  return blob;
}

const putGrowing = (store: Store, blob: GrowingBlob, op = {}): Promise<boolean> | undefined =>
  store.putGrowing?.(blob, op);

const requests = (): string[] => registry.requests.map(({ method, status }) => `${method} ${status ?? "broken"}`);

const atFirst =
  (wanted: string, fault: Fault): FaultHook =>
  ({ method, count }) =>
    method === wanted && count === 1 ? fault : undefined;

function expectStored(): void {
  expect(registry.repository("org/cache").blobs.get(DIGEST)?.equals(BYTES)).toBe(true);
}

function expectNothing(): void {
  const { blobs, uploads } = registry.repository("org/cache");
  expect([blobs.size, uploads.size]).toEqual([0, 0]);
}

describe("a blob that is sent while it is made", () => {
  it.each([{}, { absoluteLocations: true }])("arrives by one POST, PATCH and PUT (%o)", async (options) => {
    const store = await open(options);
    expect(await putGrowing(store, growing())).toBe(true);
    expectStored();
    expect(requests()).toEqual(["POST 202", "PATCH 202", "PUT 201"]);
    const [, patch, put] = registry.requests;
    expect(patch?.headers).toMatchObject({
      "transfer-encoding": "chunked",
      "content-type": "application/octet-stream",
    });
    expect(patch?.headers["content-length"]).toBeUndefined();
    expect(patch?.headers["content-range"]).toBeUndefined();
    expect(patch?.bodyBytes).toBe(BYTES.length);
    expect(put?.headers["content-length"]).toBe("0");
    expect(put?.query.get("digest")).toBe(DIGEST);
  });

  it("is at the registry in part before its end is made", async () => {
    let arrived: () => void = () => {};
    // The second half is made when the registry has the first: who waits for the whole blob waits for ever.
    const firstHalf = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const onBytes = (bytes: number): void => {
      if (bytes >= BYTES.length >> 1) arrived();
    };
    const store = await open({ faults: atFirst("PATCH", { onBytes }) });
    expect(await putGrowing(store, growing(firstHalf))).toBe(true);
    expectStored();
  });

  it("checklist 31: arrives where PATCH answers 201", async () => {
    // The state that the fake's Location carries is not in a fault's answer; ECR's upload URL stays the same.
    const store = await open();
    registry.faults = ({ method, path }) => {
      if (method !== "PATCH") return undefined;
      const session = registry.repository("org/cache").uploads.get(path.split("/").at(-1) ?? "");
      if (session) registry.repository("org/cache").appendUpload(session, BYTES);
      const location = `${path}?_state=${session?.state}`;
      return { status: 201, headers: { location, range: "0-9" } };
    };
    expect(await putGrowing(store, growing())).toBe(true);
    expectStored();
  });

  it("checklist 13: is sent again from its start with a new token", async () => {
    const auth = { type: "bearer", ...USER, usesPerToken: 1 } as const;
    const store = await open({ auth }, { credentials: async () => USER });
    const blob = growing();
    expect(await putGrowing(store, blob)).toBe(true);
    expectStored();
    expect(blob.opens).toBe(2);
  });

  it("checklist 20: is sent again from its start where a PATCH is redirected", async () => {
    const store = await open();
    registry.faults = ({ method, path, query, count }) =>
      method === "PATCH" && count === 1
        ? { status: 307, headers: { location: `${path}?${query}` }, early: true }
        : undefined;
    expect(await putGrowing(store, growing())).toBe(true);
    expectStored();
  });

  const refusals: readonly (readonly [string, string, Fault])[] = [
    ["POST", "503", { status: 503 }],
    ["POST", "404", { status: 404 }],
    ["PATCH", "405", { status: 405, early: true }],
    ["PATCH", "411", { status: 411, early: true }],
    ["PATCH", "413", { status: 413, early: true }],
    ["PATCH", "416 at its end", { status: 416 }],
    ["PATCH", "429", { status: 429, headers: { "retry-after": "1" }, early: true }],
    ["PATCH", "501", { status: 501, early: true }],
    ["PATCH", "500 at its end", { status: 500 }],
    ["PATCH", "a reset in the middle", { resetAfter: MIB }],
    ["PATCH", "a lost answer", { loseReply: true }],
    ["PUT", "400", { status: 400 }],
    ["PUT", "500", { status: 500 }],
    ["PUT", "a reset", { resetAfter: 0 }],
  ];

  it.each(refusals)("is given up, and its session with it, where %s ends with %s", async (method, _what, fault) => {
    const store = await open({ faults: atFirst(method, fault) });
    const events: SpkociEvent[] = [];
    const emit = (event: SpkociEvent): number => events.push(event);
    expect(await putGrowing(store, growing(), { emit })).toBe(false);
    expectNothing();
    const deleted = registry.requestsOf("DELETE", /uploads/).map(({ status }) => status);
    expect(deleted).toEqual(method === "POST" ? [] : [204]);
    expect(events).toContainEqual(expect.objectContaining({ type: "retry", delayMs: 0 }));
  });

  it("is given up where the registry finds another digest", async () => {
    const store = await open();
    expect(await putGrowing(store, growing(undefined, digestOf("another")))).toBe(false);
    expectNothing();
    expect(requests()).toEqual(["POST 202", "PATCH 202", "PUT 400", "DELETE 404"]);
  });

  it("is given up where the registry takes no more bytes", async () => {
    const stall = atFirst("PATCH", { onBytes: () => new Promise(() => {}) });
    const store = await open({ faults: stall }, { idleTimeoutMs: 300 });
    expect(await putGrowing(store, growing())).toBe(false);
    expectNothing();
  });

  it("that was given up is not tried again, by any store of the same access", async () => {
    registry = await startFakeRegistry({ chunked: false });
    const access: RegistryAccess = {};
    const openAs = (repository: string): Store => openRegistry({ registry: registry.host, repository }, access);
    expect(await putGrowing(openAs("org/cache"), growing())).toBe(false);
    const count = registry.requests.length;
    const second = growing();
    expect(await putGrowing(openAs("org/other"), second)).toBe(false);
    expect(second.opens).toBe(0);
    expect(registry.requests.length).toBe(count);
  });

  it.each(["ghcr.io", "europe-docker.pkg.dev"])("is nothing for %s, which isn't asked", async (host) => {
    const blob = growing();
    const events: SpkociEvent[] = [];
    const store = openRegistry({ registry: host, repository: "org/cache" });
    expect(await putGrowing(store, blob, { emit: (event: SpkociEvent) => events.push(event) })).toBe(false);
    expect(blob.opens).toBe(0);
    expect(events).toEqual([]);
  });

  it("fails with its maker's error, and leaves nothing", async () => {
    let fail: (error: Error) => void = () => {};
    const making = new Promise<void>((_resolve, reject) => {
      fail = reject;
    });
    making.catch(() => {});
    const onBytes = (bytes: number): void => {
      if (bytes >= MIB) fail(new Error("the maker gave up"));
    };
    const store = await open({ faults: atFirst("PATCH", { onBytes }) });
    await expect(putGrowing(store, growing(making))).rejects.toThrow("the maker gave up");
    expectNothing();
    expect(registry.requestsOf("DELETE", /uploads/)).toHaveLength(1);
    expect(await putGrowing(store, growing())).toBe(true);
  });

  it("stops with the reason of an abort in the middle, and leaves nothing", async () => {
    const stop = new AbortController();
    const onBytes = (bytes: number): void => {
      if (bytes >= MIB) stop.abort(new Error("enough"));
    };
    const store = await open({ faults: atFirst("PATCH", { onBytes }) });
    const never = new Promise<void>(() => {});
    await expect(putGrowing(store, growing(never), { signal: stop.signal })).rejects.toThrow("enough");
    expectNothing();
    expect(registry.requestsOf("DELETE", /uploads/)).toHaveLength(1);
  });
});
