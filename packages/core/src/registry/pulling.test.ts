import { buffer } from "node:stream/consumers";
import { buildImage, type CountedBlob, FAST_RETRY, RegistryScene, seededBlob } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../base/digest.js";
import type { SpkociEvent } from "../base/events.js";
import type { Op } from "../base/op.js";
import { documentOf } from "../oci/document.js";
import { OCI_INDEX } from "../oci/media-type.js";
import type { Store } from "../oci/store.js";

const USER = { username: "ann", password: "s3cret" };

const scene = new RegistryScene();
const { open } = scene;

async function expectContent(store: Store, blob: CountedBlob, op?: Op): Promise<void> {
  const bytes = await buffer(await store.open(blob.descriptor, op));
  expect(bytes.equals(blob.bytes)).toBe(true);
}

const blobGets = () => scene.registry.requestsOf("GET", /blobs/);

describe("blobs", () => {
  const blob = seededBlob("layer", 1_000_000);
  const addBlob = () => scene.repository.addBlob(blob.bytes);

  it("checklist 12: are followed to another server without the Authorization", async () => {
    const store = await open(
      { auth: { type: "basic", ...USER }, redirectBlobs: true },
      { credentials: async () => USER },
    );
    addBlob();
    const events: SpkociEvent[] = [];
    await expectContent(store, blob, { emit: (event) => events.push(event) });
    const storage = scene.registry.requests.filter(({ server }) => server === "storage");
    expect(storage.map(({ status, headers }) => [status, headers.authorization])).toEqual([[200, undefined]]);
    expect(JSON.stringify(events)).not.toContain("signature");
  });

  it("checklist 21: go on with a Range where they broke off", async () => {
    const store = await open();
    addBlob();
    scene.registry.faults = ({ method, count }) => (method === "GET" && count <= 2 ? { cutAfter: 300_000 } : undefined);
    await expectContent(store, blob);
    const ranges = blobGets().map(({ headers }) => headers.range);
    expect(ranges).toHaveLength(3);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1).every((range) => /^bytes=\d+-$/.test(range ?? ""))).toBe(true);
  });

  it("checklist 21: start over where the registry has no ranges", async () => {
    const store = await open({
      ranges: false,
      faults: ({ method, count }) => (method === "GET" && count === 1 ? { cutAfter: 300_000 } : undefined),
    });
    addBlob();
    await expectContent(store, blob);
    expect(blobGets().map(({ status }) => status)).toEqual([200, 200]);
  });

  it("checklist 21: refuse a part that is another one", async () => {
    const store = await open({
      faults: ({ method, count }) => {
        if (method !== "GET") return undefined;
        return count === 1 ? { cutAfter: 300_000 } : { headers: { "content-range": "bytes 7-999999/1000000" } };
      },
    });
    addBlob();
    await expect(expectContent(store, blob)).rejects.toMatchObject({ code: "REGISTRY_PROTOCOL" });
  });

  it("fail with REGISTRY_UNREACHABLE when they break off again and again", async () => {
    const store = await open({
      ranges: false,
      faults: ({ method }) => (method === "GET" ? { cutAfter: 300_000 } : undefined),
    });
    addBlob();
    await expect(expectContent(store, blob)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  });

  it("checklist 19: fail at their end if a bit is wrong, and at once if the size is", async () => {
    const store = await open({ faults: ({ method }) => (method === "GET" ? { corrupt: true } : undefined) });
    addBlob();
    await expect(expectContent(store, blob)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    await expect(store.open({ ...blob.descriptor, size: 5 })).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
  });

  it("that nobody reads yet are not taken for stalled", async () => {
    const store = await open({}, { idleTimeoutMs: 300 });
    addBlob();
    const stream = await store.open(blob.descriptor);
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect((await buffer(stream)).length).toBe(blob.bytes.length);
    expect(blobGets()).toHaveLength(1);
  });

  it("that are small are fetched again where they came damaged, twice at most", async () => {
    const small = seededBlob("config", 5000);
    const store = await open({}, { retry: { ...FAST_RETRY, attempts: 9 } });
    scene.repository.addBlob(small.bytes);
    scene.registry.faults = ({ method, count }) => (method === "GET" && count <= 2 ? { corrupt: true } : undefined);
    await expectContent(store, small);
    expect(blobGets()).toHaveLength(3);
    scene.registry.clearRequests();
    scene.registry.faults = ({ method }) => (method === "GET" ? { corrupt: true } : undefined);
    await expect(store.open(small.descriptor)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(blobGets()).toHaveLength(3);
  });

  it("that are small are fetched again where they break off", async () => {
    const small = seededBlob("config", 5000);
    const store = await open({ faults: ({ count }) => (count <= 2 ? { cutAfter: 100 } : undefined) });
    scene.repository.addBlob(small.bytes);
    await expectContent(store, small);
  });

  it.each([401, 403, 429, 500])("checklist 22: are not taken for absent after a %i", async (status) => {
    const store = await open({ faults: () => ({ status }) });
    await expect(store.has(blob.descriptor)).rejects.toMatchObject({ name: "RegistryError", status });
    await expect(store.open(blob.descriptor)).rejects.toMatchObject({ name: "RegistryError", status });
    await expect(store.resolve("v1")).rejects.toMatchObject({ name: "RegistryError", status });
    await expect(store.read("v1")).rejects.toMatchObject({ name: "RegistryError", status });
  });
});

describe("redirects", () => {
  it("checklist 20: are followed by HEAD, GET and DELETE, with the method that was asked", async () => {
    const store = await open();
    const { manifest } = buildImage("moved");
    scene.registry.repository("org/new").addManifest(manifest, "v1");
    scene.registry.faults = ({ path }) =>
      path.includes("/org/cache/")
        ? { status: 307, headers: { location: path.replace("/org/cache/", "/org/new/") } }
        : undefined;
    expect(await store.resolve("v1")).toEqual(manifest.descriptor);
    expect((await store.read("v1"))?.descriptor).toEqual(manifest.descriptor);
    expect(await store.delete?.("v1")).toBe(true);
    expect(scene.registry.requests.map(({ method, status }) => `${method} ${status}`)).toEqual(
      ["HEAD", "GET", "DELETE"].flatMap((method) => [`${method} 307`, `${method} ${method === "DELETE" ? 202 : 200}`]),
    );
    expect(scene.registry.repository("org/new").tags.size).toBe(0);
  });
});

describe("manifests", () => {
  const { manifest } = buildImage("pulled");
  const add = (tag: string) => scene.repository.addManifest(manifest, tag);

  it("checklist 16, 23: are asked for in all four types, by HEAD where that is enough", async () => {
    const store = await open();
    add("v1");
    expect(await store.resolve("v1")).toEqual(manifest.descriptor);
    expect(scene.registry.requests.map(({ method }) => method)).toEqual(["HEAD"]);
    expect(scene.registry.requests[0]?.headers.accept?.split(", ")).toHaveLength(4);
  });

  it("checklist 17: ignore parameters of the Content-Type", async () => {
    const store = await open({
      faults: () => ({ headers: { "content-type": `${manifest.descriptor.mediaType.toUpperCase()}; charset=utf-8` } }),
    });
    add("v1");
    expect(await store.resolve("v1")).toEqual(manifest.descriptor);
    expect((await store.read("v1"))?.descriptor).toEqual(manifest.descriptor);
  });

  it("checklist 17: are refused if they say that they are something else", async () => {
    const store = await open({ faults: () => ({ headers: { "content-type": OCI_INDEX } }) });
    add("v1");
    await expect(store.read("v1")).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
  });

  it("checklist 18: are fetched again where they came damaged, twice at most, out of the run's retries", async () => {
    const { digest } = manifest.descriptor;
    const store = await open({}, { retry: { ...FAST_RETRY, attempts: 9 }, retries: 5 });
    add("v1");
    const events: SpkociEvent[] = [];
    const op: Op = { emit: (event) => events.push(event) };
    scene.registry.faults = ({ count }) => (count <= 2 ? { corrupt: true } : undefined);
    for (const reference of ["v1", digest]) expect((await store.read(reference, op))?.descriptor.digest).toBe(digest);
    expect(events.flatMap((event) => (event.type === "retry" ? [event.retries?.used] : []))).toEqual([1, 2, 3, 4]);
    scene.registry.clearRequests();
    scene.registry.faults = () => ({ corrupt: true });
    await expect(store.read(digest)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(scene.registry.requests).toHaveLength(2);
  });

  it.each([null, "application/json", "text/plain"])("say themselves what they are when served as %s", async (type) => {
    const store = await open({ faults: () => ({ headers: { "content-type": type } }) });
    add("v1");
    expect((await store.read("v1"))?.descriptor).toEqual(manifest.descriptor);
  });

  it("are read where a HEAD tells no digest", async () => {
    const store = await open({ faults: () => ({ headers: { "docker-content-digest": null } }) });
    add("v1");
    expect(await store.resolve("v1")).toEqual(manifest.descriptor);
  });

  it("that are a login page are a REGISTRY_PROTOCOL error", async () => {
    const page = { status: 200, headers: { "content-type": "text/html" }, body: "<html>Sign in</html>" };
    const store = await open({ faults: () => page });
    await expect(store.read("v1")).rejects.toMatchObject({ code: "REGISTRY_PROTOCOL" });
    await expect(store.resolve("v1")).rejects.toMatchObject({ code: "REGISTRY_PROTOCOL" });
  });

  it("checklist 18: are refused if their bytes have another digest than asked for, or than the registry says", async () => {
    const store = await open();
    add("v1");
    scene.registry.faults = () => ({ corrupt: true });
    await expect(store.read(manifest.descriptor.digest)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    scene.registry.faults = () => ({ headers: { "docker-content-digest": `sha256:${"0".repeat(64)}` } });
    await expect(store.read("v1")).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    await expect(store.resolve(manifest.descriptor.digest)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    scene.registry.faults = () => ({ headers: { "docker-content-digest": `sha512:${"0".repeat(128)}` } });
    await expect(store.read("v1")).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    scene.registry.faults = () => ({ headers: { "docker-content-digest": `blake3:${"0".repeat(64)}` } });
    expect((await store.read("v1"))?.descriptor).toEqual(manifest.descriptor);
  });

  it("checklist 3: are had by their sha512, and verified by it", async () => {
    const store = await open();
    const image = buildImage("sha512");
    for (const blob of image.blobs) await store.put(blob);
    const digest = digestOf(image.manifest.bytes, `sha512:${"0".repeat(128)}` as Digest);
    const manifest = { ...image.manifest, descriptor: { ...image.manifest.descriptor, digest } };
    await store.write(manifest);
    expect(await store.resolve(digest)).toEqual(manifest.descriptor);
    expect((await store.read(digest))?.descriptor).toEqual(manifest.descriptor);
    scene.registry.faults = () => ({ corrupt: true });
    await expect(store.read(digest)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  it("larger than the limit are not read to their end", async () => {
    const store = await open({ faults: () => ({ status: 200, body: "x".repeat(5 * 1024 * 1024) }) });
    await expect(store.read("v1")).rejects.toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
  });

  it("that break off are read again", async () => {
    const store = await open({ faults: ({ count }) => (count === 1 ? { cutAfter: 10 } : undefined) });
    add("v1");
    expect((await store.read("v1"))?.descriptor).toEqual(manifest.descriptor);
  });
});

describe("checklist 53: tags", () => {
  const all = async (store: Store): Promise<string[]> => {
    const tags: string[] = [];
    for await (const tag of store.tags()) tags.push(tag);
    return tags;
  };
  const index = documentOf(OCI_INDEX, Buffer.from('{"schemaVersion":2,"manifests":[]}'));

  it("checklist 54: are listed over all pages, asking for at most 1000 each", async () => {
    const store = await open({ pageSize: 3 });
    const tags = Array.from({ length: 10 }, (_, at) => `t${at}`);
    for (const tag of tags) scene.repository.addManifest(index, tag);
    expect((await all(store)).sort()).toEqual(tags);
    expect(scene.registry.requests[0]?.query.get("n")).toBe("1000");
  });

  it.each([
    ['{"tags":null}', []],
    ["{}", []],
    ["null", []],
    ['{"tags":["good","bad tag","../x","\\u001b[31m",7,""]}', ["good"]],
  ])("of %s are %j", async (body, expected) => {
    expect(await all(await open({ faults: () => ({ status: 200, body }) }))).toEqual(expected);
  });

  it("that are not JSON are a REGISTRY_PROTOCOL error", async () => {
    await expect(all(await open({ faults: () => ({ status: 200, body: "<html>" }) }))).rejects.toMatchObject({
      code: "REGISTRY_PROTOCOL",
    });
  });

  it("whose pages lead in a circle end with an error", async () => {
    const headers = { link: '</v2/org/cache/tags/list?n=1000>; rel="next"' };
    const store = await open({ faults: () => ({ status: 200, body: '{"tags":["a"]}', headers }) });
    await expect(all(store)).rejects.toMatchObject({ code: "REGISTRY_PROTOCOL" });
    expect(scene.registry.requests).toHaveLength(1);
  });

  it("are none where there is no repository", async () => {
    expect(await all(await open({ faults: () => ({ status: 404 }) }))).toEqual([]);
  });
});
