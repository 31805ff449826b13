import {
  FAST_RETRY,
  type FakeRegistryOptions,
  type Fault,
  type FaultRequest,
  RegistryScene,
  seededBlob,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { Store } from "../oci/store.js";
import type { RegistryAccess } from "./access.js";
import { chunkSizeFor, profileOf } from "./profiles.js";

const USER = { username: "ann", password: "s3cret" };
const KIB = 1024;
const CHUNK = 100 * KIB;
const SIZE = 5 * CHUNK + 1;

const scene = new RegistryScene();
const { expectStored } = scene;

const open = (options: FakeRegistryOptions = {}, access: RegistryAccess = {}): Promise<Store> =>
  scene.open(options, { chunkSize: CHUNK, ...access });

/** The fault for one PATCH: the how-manieth. */
const breaking =
  (at: number, fault: Fault) =>
  ({ method, count }: FaultRequest): Fault | undefined =>
    method === "PATCH" && count === at ? fault : undefined;

const patches = () => scene.registry.requestsOf("PATCH", /uploads/);
const begun = () => scene.registry.requestsOf("POST", /uploads/).length;

/** Every byte comes at its place, each session from its start: what is sent goes on where an answer or a GET said. */
function expectInOrder(): void {
  for (const { headers, status } of patches()) {
    expect(headers["content-range"]).toMatch(/^\d+-\d+$/);
    const [from = 0, to = 0] = (headers["content-range"] ?? "").split("-").map(Number);
    if (status !== undefined) expect(Number(headers["content-length"])).toBe(to - from + 1);
  }
}

describe("blobs in parts", () => {
  it.each([false, true])(
    "checklist 28: go in order, each to the Location of the answer before, and end with an empty PUT (absolute: %s)",
    async (absoluteLocations) => {
      const store = await open({ absoluteLocations });
      const blob = seededBlob("parts", SIZE);
      await store.put(blob);
      expectStored(blob);
      const ranges = [0, 1, 2, 3, 4].map((at) => `${at * CHUNK}-${(at + 1) * CHUNK - 1}`);
      expect(patches().map(({ headers }) => headers["content-range"])).toEqual([...ranges, `${SIZE - 1}-${SIZE - 1}`]);
      expect(scene.registry.requestsOf("POST", /uploads/)[0]?.headers["content-length"]).toBe("0");
      const [put] = scene.registry.requestsOf("PUT", /uploads/);
      expect([put?.bodyBytes, put?.query.get("digest")]).toEqual([0, blob.descriptor.digest]);
      expect(blob.opens).toBe(1);
    },
  );

  it("are whole where one part is enough", async () => {
    const store = await open();
    const blob = seededBlob("small", CHUNK);
    await store.put(blob);
    expectStored(blob);
    expect(patches()).toHaveLength(0);
  });

  it("checklist 29: are as long as the registry wants, but for the last", async () => {
    const store = await open({ chunkMinLength: 2 * CHUNK });
    const blob = seededBlob("parts", SIZE);
    await store.put(blob);
    expectStored(blob);
    expect(patches().map(({ bodyBytes }) => bodyBytes)).toEqual([2 * CHUNK, 2 * CHUNK, CHUNK + 1]);
  });

  it.each<[string, Fault, number]>([
    ["a lost answer", { loseReply: true }, 0],
    ["a connection that breaks in the middle", { resetAfter: 30 * KIB }, 1],
    ["a 503", { status: 503 }, 1],
    ["a 416", { status: 416 }, 1],
    ["a 429 before the part was read", { status: 429, early: true }, 1],
  ])("checklist 30: ask after %s how far the registry is, and go on from there", async (_what, fault, again) => {
    for (const at of [1, 3, 6]) {
      const store = await open({ faults: breaking(at, fault) });
      const blob = seededBlob("parts", SIZE);
      await store.put(blob);
      expectStored(blob);
      expectInOrder();
      const isWhole = fault.status === 416 || (at === 6 && fault.resetAfter !== undefined);
      if (!isWhole) {
        expect(patches()).toHaveLength(6 + again);
        expect(scene.registry.requestsOf("GET", /uploads/)).toHaveLength(1);
        expect([begun(), blob.opens]).toEqual([1, 1]);
      }
      await scene.close();
    }
  });

  it("checklist 30, 31: begin anew where the registry has less than it took, and send nothing twice in one upload", async () => {
    const store = await open({ chunksAsEcr: true, faults: breaking(3, { loseReply: true }) });
    const blob = seededBlob("parts", SIZE);
    await store.put(blob);
    expectStored(blob);
    expect([begun(), blob.opens]).toEqual([2, 2]);
    const starts = patches().map(({ headers }) => Number(headers["content-range"]?.split("-")[0]));
    expect(starts).toEqual([0, 1, 2].map((n) => n * CHUNK).concat([0, 1, 2, 3, 4, 5].map((n) => n * CHUNK)));
  });

  it.each(["0-9", "0-0", null])(
    "checklist 30: begin anew where the registry says %j of what it took",
    async (range) => {
      const store = await open();
      scene.registry.faults = ({ method, path, count }) => {
        if (method === "PATCH" && count === 3) return { status: 503 };
        return method === "GET" && path.includes("uploads") ? { headers: { range } } : undefined;
      };
      const blob = seededBlob("parts", SIZE);
      await store.put(blob);
      expectStored(blob);
      expect(begun()).toBe(2);
      expect(patches().slice(3)[0]?.headers["content-range"]).toBe(`0-${CHUNK - 1}`);
    },
  );

  it.each(["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"])(
    "checklist 30, 62: begin anew where a part, or the end, is answered %s",
    async (code) => {
      const lost = { status: 404, body: { errors: [{ code, message: "blob upload unknown" }] } };
      for (const method of ["PATCH", "PUT"]) {
        const store = await open();
        scene.registry.faults = (request) => (request.method === method && request.count === 1 ? lost : undefined);
        const blob = seededBlob("parts", SIZE);
        await store.put(blob);
        expectStored(blob);
        expect([begun(), blob.opens]).toEqual([2, 2]);
        await scene.close();
      }
    },
  );

  it("that a registry always loses use the run's retries, and none where there are none", async () => {
    const lost = { status: 404, body: { errors: [{ code: "BLOB_UPLOAD_UNKNOWN", message: "blob upload unknown" }] } };
    const faults = ({ method }: FaultRequest): Fault | undefined => (method === "PATCH" ? lost : undefined);
    const store = await open({ faults });
    await expect(store.put(seededBlob("parts", SIZE))).rejects.toMatchObject({
      code: "REGISTRY_REJECTED",
      status: 404,
    });
    expect(begun()).toBe(FAST_RETRY.attempts);
    await scene.close();
    const strict = await open({ faults }, { retries: 0 });
    await expect(strict.put(seededBlob("parts", SIZE))).rejects.toMatchObject({ code: "RETRIES_SPENT", status: 404 });
    expect(begun()).toBe(1);
  });

  it("checklist 31: take a 201 for a part, and a Range that stays where it is", async () => {
    const store = await open({ chunksAsEcr: true });
    const blob = seededBlob("parts", SIZE);
    await store.put(blob);
    expectStored(blob);
    expect([begun(), patches().length]).toEqual([1, 6]);
    expect(new Set(patches().map(({ status }) => status))).toEqual(new Set([201]));
  });

  it("end with a clear error where parts are too long for the registry", async () => {
    const store = await open({ chunkMaxLength: CHUNK - 1 });
    await expect(store.put(seededBlob("parts", SIZE))).rejects.toMatchObject({
      code: "REGISTRY_REJECTED",
      status: 416,
      hint: expect.stringContaining("--chunk-size"),
    });
    expect(begun()).toBe(3);
  });

  it("are there after an end whose answer was lost", async () => {
    const store = await open({
      faults: ({ method, count }) => (method === "PUT" && count === 1 ? { loseReply: true } : undefined),
    });
    const blob = seededBlob("parts", SIZE);
    await store.put(blob);
    expectStored(blob);
    expect(scene.registry.requestsOf("PUT", /uploads/)).toHaveLength(1);
  });

  it("checklist 13: get a new token in the middle", async () => {
    const auth = { type: "bearer", ...USER, usesPerToken: 3 } as const;
    const store = await open({ auth }, { credentials: async () => USER });
    const blob = seededBlob("parts", SIZE);
    await store.put(blob);
    expectStored(blob);
    expect([begun(), blob.opens]).toEqual([1, 1]);
    expect(patches().some(({ status }) => status === 401)).toBe(true);
  });

  it("checklist 33: are given up at the registry when the content is wrong, or the run is stopped", async () => {
    const store = await open();
    const blob = seededBlob("parts", SIZE);
    const wrong = { ...blob, descriptor: { ...blob.descriptor, digest: seededBlob("other", 1).descriptor.digest } };
    await expect(store.put(wrong)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    // The last part is never sent; whether the one before it is depends on how far Node reads ahead.
    expect([4, 5]).toContain(patches().length);
    expect(scene.registry.requestsOf("PUT", /uploads/)).toEqual([]);
    const stop = new AbortController();
    scene.registry.faults = ({ method, count }) => {
      if (method === "PATCH" && count === 8) stop.abort(new Error("enough"));
      return undefined;
    };
    await expect(store.put(blob, { signal: stop.signal })).rejects.toThrow("enough");
    expect(scene.registry.requestsOf("DELETE", /uploads/)).toHaveLength(2);
    expect(scene.repository.uploads.size).toBe(0);
    expect(scene.repository.blobs.size).toBe(0);
  });
});

describe("checklist 32: the size of parts", () => {
  const MIB = KIB * KIB;

  it("is what is asked for, at most what the registry takes, and nothing where it takes no parts", () => {
    const at = (host: string, asked: number | undefined) => chunkSizeFor(100 * MIB, asked, profileOf(host));
    expect(at("registry.example", undefined)).toBeUndefined();
    expect(at("registry.example", 16 * MIB)).toBe(16 * MIB);
    expect(at("ghcr.io", 16 * MIB)).toBe(4 * MIB);
    expect(at("ghcr.io", 1 * MIB)).toBe(1 * MIB);
    expect(at("ghcr.io", undefined)).toBeUndefined();
    expect(at("europe-docker.pkg.dev", 16 * MIB)).toBeUndefined();
    expect(at("registry.example", 100 * MIB)).toBeUndefined();
  });
});
