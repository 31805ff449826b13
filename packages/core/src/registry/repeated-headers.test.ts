import { buffer } from "node:stream/consumers";
import { buildImage, type FaultRequest, RegistryScene, seededBlob } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import { jsonDocument } from "../oci/document.js";
import { OCI_INDEX } from "../oci/media-type.js";
import type { RegistryAccess } from "./access.js";

const USER = { username: "ann", password: "s3cret" };

const scene = new RegistryScene();
const { open } = scene;

/** Where the newest upload is, twice: proxies add a Location of their own to the one that is there. */
function twoLocations({ method }: FaultRequest): { headers: Record<string, readonly string[]> } | undefined {
  if (method !== "POST" && method !== "PATCH") return undefined;
  // The session is there once the body has come, before the answer is written.
  const location = (): string => {
    const [session] = scene.repository.uploads.values();
    return `/v2/org/cache/blobs/uploads/${session?.id}?_state=${session?.state}`;
  };
  return {
    get headers() {
      return { location: [location(), "http://inside.example/v2/elsewhere"] };
    },
  };
}

describe("a header that is there twice", () => {
  it.each<[string, RegistryAccess]>([
    ["whole", {}],
    ["in parts", { chunkSize: 400 }],
  ])("checklist 25: is the first one where it is the Location of an upload, sent %s", async (_how, access) => {
    const store = await open({}, access);
    scene.registry.faults = twoLocations;
    const blob = seededBlob("blob", 1000);
    await store.put(blob);
    expect(scene.repository.blobs.get(blob.descriptor.digest)?.equals(blob.bytes)).toBe(true);
    expect(scene.registry.requestsOf("POST", /uploads/)).toHaveLength(1);
  });

  it("is the first one where it leads a redirect on", async () => {
    const store = await open();
    const blob = seededBlob("blob", 1000);
    scene.repository.addBlob(blob.bytes);
    scene.registry.faults = ({ method, path, count }) =>
      method === "GET" && count === 1 ? { status: 307, headers: { location: [path, "/nowhere"] } } : undefined;
    expect((await buffer(await store.open(blob.descriptor))).equals(blob.bytes)).toBe(true);
  });

  it("checklist 17, 18: is the first one where it is a manifest's type or digest", async () => {
    const store = await open();
    const { manifest } = buildImage("twice");
    const { mediaType, digest } = scene.repository.addManifest(manifest, "v1");
    scene.registry.faults = () => ({
      headers: {
        "content-type": [mediaType, "application/json"],
        "docker-content-digest": [digest, `sha256:${"0".repeat(64)}`],
      },
    });
    expect(await store.resolve("v1")).toEqual(manifest.descriptor);
    expect((await store.read("v1"))?.descriptor).toEqual(manifest.descriptor);
    expect(scene.registry.requestsOf("HEAD", /manifests/)).toHaveLength(1);
    expect(scene.registry.requestsOf("GET", /manifests/)).toHaveLength(1);
  });

  it("checklist 21: is the first one where a download goes on", async () => {
    const store = await open();
    const blob = seededBlob("large", 1_000_000);
    scene.repository.addBlob(blob.bytes);
    scene.registry.faults = ({ method, count }) => {
      if (method !== "GET") return undefined;
      if (count === 1) return { cutAfter: 300_000 };
      const [, from] = /bytes=(\d+)-/.exec(scene.registry.requests.at(-1)?.headers.range ?? "") ?? [];
      return { headers: { "content-range": [`bytes ${from}-999999/1000000`, "bytes 0-0/1"] } };
    };
    expect((await buffer(await store.open(blob.descriptor))).equals(blob.bytes)).toBe(true);
  });

  it("checklist 30: is the first one where an upload in parts goes on", async () => {
    const store = await open({}, { chunkSize: 400 });
    scene.registry.faults = ({ method, path, count }) => {
      if (method === "PATCH" && count === 2) return { status: 503 };
      if (method !== "GET" || !path.includes("uploads")) return undefined;
      return { headers: { range: ["0-399", "0-0"] } };
    };
    const blob = seededBlob("parts", 1000);
    await store.put(blob);
    expect(scene.registry.requestsOf("POST", /uploads/)).toHaveLength(1);
    expect(scene.repository.blobs.get(blob.descriptor.digest)?.equals(blob.bytes)).toBe(true);
  });

  it("checklist 63: is the first one where a registry asks to wait", async () => {
    const store = await open();
    scene.registry.faults = ({ count }) =>
      count === 1 ? { status: 429, headers: { "retry-after": ["0.15", "3600"] } } : undefined;
    const events: SpkociEvent[] = [];
    await store.has(seededBlob("x", 10).descriptor, { emit: (event) => events.push(event) });
    expect(events.find(({ type }) => type === "retry")).toMatchObject({ delayMs: 150 });
  });

  it("checklist 6: is several challenges where the registry wants authorisation", async () => {
    const store = await open({ auth: { type: "bearer", ...USER } }, { credentials: async () => USER });
    scene.registry.faults = ({ method, headers }) => {
      if (method !== "HEAD" || headers.authorization !== undefined) return undefined;
      const bearer = `Bearer realm="${scene.registry.url}/token",service="fake registry"`;
      return { status: 401, headers: { "www-authenticate": ['Digest realm="none"', bearer] } };
    };
    expect(await store.has(seededBlob("x", 10).descriptor)).toBe(false);
  });

  it("checklist 53, 64: is all of its links and warnings", async () => {
    const store = await open();
    scene.repository.addManifest(jsonDocument(OCI_INDEX, { schemaVersion: 2, manifests: [] }), "b");
    scene.registry.faults = ({ query }) => {
      if (query.has("last")) return undefined;
      const link = ['</other>; rel="first"', '</v2/org/cache/tags/list?last=a>; rel="next"'];
      const body = JSON.stringify({ tags: ["a"] });
      return { status: 200, headers: { link, warning: ['299 - "one"', '299 - "two"'] }, body };
    };
    const events: SpkociEvent[] = [];
    const tags: string[] = [];
    for await (const tag of store.tags({ emit: (event) => events.push(event) })) tags.push(tag);
    expect(tags).toEqual(["a", "b"]);
    expect(events.flatMap((event) => (event.type === "warning" ? [event.message] : []))).toEqual([
      expect.stringContaining("one"),
      expect.stringContaining("two"),
    ]);
  });
});
