import { buildImage, buildIndex, type TestImage } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { SpkociError } from "../base/errors.js";
import type { JsonValue } from "../base/json.js";
import { type Document, jsonDocument } from "../oci/document.js";
import { CONFIG_LIMIT } from "../oci/image-config.js";
import { DOCKER_INDEX, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from "../oci/media-type.js";
import { parsePlatform } from "../oci/platform.js";
import { blobOf } from "../oci/store.js";
import { MemoryStore } from "../store/memory.js";
import { readBaseImage } from "./base-image.js";

const AMD64 = { os: "linux", architecture: "amd64" };

async function storeOf(index: Document | undefined, images: readonly TestImage[]): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const { manifest, config } of images) {
    await store.put(blobOf(config));
    await store.write(manifest, { tag: "image" });
  }
  if (index) await store.write(index, { tag: "image" });
  return store;
}

function read(store: MemoryStore, platform?: string, wanted = AMD64) {
  const asked = platform === undefined ? {} : { platform: parsePlatform(platform) };
  return readBaseImage(store, "image", { name: "debian:12", wanted, ...asked });
}

async function failure(promise: Promise<unknown>): Promise<SpkociError> {
  return promise.then(
    () => expect.unreachable(),
    (error: SpkociError) => error,
  );
}

function entryOf(document: Document, more: Record<string, JsonValue> = {}): JsonValue {
  const { mediaType, digest, size } = document.descriptor;
  return { mediaType, digest, size, ...more };
}

describe("readBaseImage", () => {
  it("reads a plain image of either family", async () => {
    for (const family of ["oci", "docker"] as const) {
      const image = buildImage("plain", { family });
      const base = await read(await storeOf(undefined, [image]));
      expect(base.descriptor.digest).toBe(image.manifest.descriptor.digest);
      expect(base.family).toBe(family);
      expect(base.config.rootfs.diff_ids).toHaveLength(1);
      expect(base.platform).toEqual(AMD64);
      expect("reference" in base).toBe(false);
    }
  });

  it("checklist 52: chooses by operating system and architecture, passing over attestations", async () => {
    const { index, images } = buildIndex("many", ["linux/arm64/v8", "linux/amd64"], { attestations: true });
    const base = await read(await storeOf(index, images));
    expect(base.descriptor.digest).toBe(images[1]?.manifest.descriptor.digest);
  });

  it.each([
    ["linux/amd64", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64"], 2],
    ["linux/amd64", ["linux/amd64/v3", "linux/amd64/v1"], 1],
    ["linux/amd64/v3", ["linux/amd64", "linux/amd64/v3"], 1],
    ["linux/amd64/v1", ["linux/amd64/v3", "linux/amd64"], 1],
    ["linux/arm64", ["linux/arm64/v9.2", "linux/arm64/v8"], 1],
    ["linux/arm64/v8", ["linux/arm64/v9", "linux/arm64"], 1],
  ])(
    "checklist 50: for %s of %j takes entry %i: the one asked for, else the most portable",
    async (asked, platforms, at) => {
      const { index, images } = buildIndex("variants", platforms);
      const { os, architecture } = parsePlatform(asked);
      const base = await read(await storeOf(index, images), asked, { os, architecture });
      expect(base.descriptor.digest).toBe(images[at]?.manifest.descriptor.digest);
    },
  );

  it("checklist 3, 45: passes over entries that it doesn't know: digests, media types, members, annotations", async () => {
    const image = buildImage("known");
    const platform = { ...AMD64, "os.features": ["example"], features: ["sse4"] };
    const strange = {
      mediaType: "application/x-strange",
      digest: `blake3:${"0".repeat(64)}`,
      size: 3,
      artifactType: "x/y",
    };
    const manifests = [strange, entryOf(image.manifest, { platform, "x-member": [1], annotations: { "x.y/z": "" } })];
    const index = jsonDocument(OCI_INDEX, { schemaVersion: 2, manifests, artifactType: "x/y", "x-member": null });
    expect((await read(await storeOf(index, [image]))).descriptor.digest).toBe(image.manifest.descriptor.digest);
  });

  it("checklist 24: reads the config itself, whatever its descriptor has as data", async () => {
    const { manifest, config, layers } = buildImage("embedded");
    const { layers: listed } = JSON.parse(Buffer.from(manifest.bytes).toString()) as { layers: JsonValue[] };
    const lie = Buffer.from(JSON.stringify({ architecture: "arm64", os: "linux", rootfs: {} })).toString("base64");
    const members = { schemaVersion: 2, config: entryOf(config, { data: lie }), layers: listed };
    const embedding = jsonDocument(OCI_MANIFEST, members);
    const store = await storeOf(undefined, [{ manifest: embedding, config, layers, blobs: [] }]);
    expect((await read(store)).config.architecture).toBe("amd64");
  });

  it("lists what an index has when it lacks the platform", async () => {
    const { index, images } = buildIndex("without", ["linux/s390x", "linux/arm64"], { attestations: true });
    const error = await failure(read(await storeOf(index, images)));
    expect(error.code).toBe("PLATFORM_NOT_FOUND");
    expect(error.message).toContain("linux/amd64");
    expect(error.hint).toBe("It has linux/arm64, linux/s390x.");
  });

  it("refuses an image of another architecture, naming both", async () => {
    const error = await failure(read(await storeOf(undefined, [buildImage("arm", { platform: "linux/arm64" })])));
    expect(error.code).toBe("PLATFORM_NOT_FOUND");
    expect(error.message).toContain("another architecture: debian:12 is for linux/arm64, needed is linux/amd64");
  });

  it("refuses an entry whose image is for something else than it says", async () => {
    const image = buildImage("liar", { platform: "linux/arm64" });
    const manifests = [entryOf(image.manifest, { platform: AMD64 })];
    const index = jsonDocument(OCI_INDEX, { schemaVersion: 2, manifests });
    expect((await failure(read(await storeOf(index, [image])))).code).toBe("PLATFORM_NOT_FOUND");
  });

  it("refuses a platform that the packages can't run on before it asks the store", async () => {
    const error = await failure(read(new MemoryStore(), "linux/arm64"));
    expect(error.code).toBe("PLATFORM_NOT_FOUND");
  });

  it("says which image does not exist", async () => {
    const error = await failure(read(new MemoryStore()));
    expect(error.code).toBe("IMAGE_NOT_FOUND");
    expect(error.message).toContain("debian:12");
  });

  it("checklist 52: follows nested indexes and opens entries that name no platform", async () => {
    const image = buildImage("inner");
    const inner = jsonDocument(OCI_INDEX, { schemaVersion: 2, manifests: [entryOf(image.manifest)] });
    const outer = jsonDocument(DOCKER_INDEX, { schemaVersion: 2, manifests: [entryOf(inner)] });
    const store = await storeOf(undefined, [image]);
    await store.write(inner);
    await store.write(outer, { tag: "image" });
    expect((await read(store)).descriptor.digest).toBe(image.manifest.descriptor.digest);
  });

  it("checklist 52: gives up on indexes nested without end", async () => {
    const image = buildImage("deep");
    const store = await storeOf(undefined, [image]);
    let inner = image.manifest;
    for (let depth = 0; depth < 6; depth += 1) {
      inner = jsonDocument(OCI_INDEX, { schemaVersion: 2, manifests: [entryOf(inner)] });
      await store.write(inner, { tag: "image" });
    }
    expect((await failure(read(store))).code).toBe("DOCUMENT_INVALID");
  });

  it("refuses an artifact that is no container image", async () => {
    const config = jsonDocument("application/vnd.cncf.helm.config.v1+json", {});
    const manifest = jsonDocument(OCI_MANIFEST, { schemaVersion: 2, config: entryOf(config), layers: [] });
    const error = await failure(read(await storeOf(undefined, [{ manifest, config, layers: [], blobs: [] }])));
    expect(error.code).toBe("DOCUMENT_INVALID");
    expect(error.message).toContain("helm");
  });

  it("refuses a config that lists another number of layers than the manifest", async () => {
    const { manifest, config, layers } = buildImage("short");
    const more = JSON.parse(Buffer.from(manifest.bytes).toString()) as { layers: JsonValue[] };
    const longer = jsonDocument(OCI_MANIFEST, { ...more, layers: [...more.layers, ...more.layers] });
    const store = await storeOf(undefined, [{ manifest: longer, config, layers, blobs: [] }]);
    expect((await failure(read(store))).message).toContain("lists 1 layers, its manifest 2");
  });

  it("does not open a config that is too large", async () => {
    const huge = { mediaType: OCI_CONFIG, digest: `sha256:${"0".repeat(64)}`, size: CONFIG_LIMIT + 1 };
    const manifest = jsonDocument(OCI_MANIFEST, { schemaVersion: 2, config: huge, layers: [] });
    const store = new MemoryStore();
    await store.write(manifest, { tag: "image" });
    expect((await failure(read(store))).code).toBe("DOCUMENT_TOO_LARGE");
  });

  it("says that a config is missing", async () => {
    const store = new MemoryStore();
    await store.write(buildImage("bare").manifest, { tag: "image" });
    expect((await failure(read(store))).code).toBe("BLOB_NOT_FOUND");
  });
});
