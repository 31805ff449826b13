import { buildImage, RegistryScene } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { unknownBlobsOf } from "./registry-error.js";

const scene = new RegistryScene();
const { open } = scene;

describe("manifests", () => {
  it("checklist 37, 38: are sent with their media type and their bytes", async () => {
    const store = await open();
    const image = buildImage("one");
    for (const blob of image.blobs) await store.put(blob);
    await store.write(image.manifest, { tag: "v1" });
    const [put] = scene.registry.requestsOf("PUT", /manifests/);
    expect(put).toMatchObject({ path: "/v2/org/cache/manifests/v1" });
    expect(put?.headers["content-type"]).toBe(image.manifest.descriptor.mediaType);
    expect(scene.repository.findManifest("v1")?.bytes).toEqual(Buffer.from(image.manifest.bytes));
  });

  it("checklist 39: that lack blobs are recognised, and put then looks again", async () => {
    const store = await open();
    const image = buildImage("lost");
    for (const blob of image.blobs) await store.put(blob);
    scene.repository.blobs.clear();
    const error = await store.write(image.manifest, { tag: "v1" }).then(
      () => expect.unreachable(),
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ code: "REGISTRY_REJECTED" });
    expect(unknownBlobsOf(error)).toBeDefined();
    expect(unknownBlobsOf(new Error("other"))).toBeUndefined();
    for (const blob of image.blobs) await store.put(blob);
    await store.write(image.manifest, { tag: "v1" });
    expect(await store.resolve("v1")).toEqual(image.manifest.descriptor);
  });

  it("checklist 42: move a tag on only from where it was, by If-Match where the registry has ETags", async () => {
    const store = await open({ etags: true });
    const repository = scene.repository;
    const [first, second, other] = [buildImage("first"), buildImage("second"), buildImage("other")];
    for (const image of [first, second, other]) {
      for (const { bytes } of image.blobs) repository.addBlob(bytes);
      repository.addManifest(image.manifest);
    }
    repository.addManifest(first.manifest, "v1");
    const from = first.manifest.descriptor.digest;
    await store.write(second.manifest, { tag: "v1", from });
    expect(scene.registry.requestsOf("PUT", /manifests/)[0]?.headers["if-match"]).toBe(`"${from}"`);
    await expect(store.write(first.manifest, { tag: "v1", from })).rejects.toMatchObject({ code: "TAG_MOVED" });
    expect(scene.registry.requestsOf("PUT", /manifests/)).toHaveLength(1);
    scene.registry.faults = ({ method }) => {
      if (method === "PUT") repository.tags.set("v1", other.manifest.descriptor.digest);
      return undefined;
    };
    const moved = store.write(first.manifest, { tag: "v1", from: second.manifest.descriptor.digest });
    await expect(moved).rejects.toMatchObject({ code: "TAG_MOVED" });
    expect(repository.tags.get("v1")).toBe(other.manifest.descriptor.digest);
  });

  it("checklist 2: take no tag that could lead elsewhere", async () => {
    const store = await open();
    const { manifest } = buildImage("one");
    for (const tag of ["../../other/manifests/v1", "a b", "", "a?b", ".a"]) {
      await expect(store.write(manifest, { tag })).rejects.toMatchObject({ code: "INVALID_REFERENCE" });
      await expect(store.read(tag)).rejects.toMatchObject({ code: "INVALID_REFERENCE" });
    }
    expect(scene.registry.requests).toHaveLength(0);
  });

  it("checklist 38: are refused back if the registry says that it stored something else", async () => {
    const store = await open();
    const image = buildImage("one");
    for (const blob of image.blobs) await store.put(blob);
    const digest = `sha256:${"0".repeat(64)}`;
    scene.registry.faults = ({ method }) =>
      method === "PUT" ? { headers: { "docker-content-digest": digest } } : undefined;
    await expect(store.write(image.manifest, { tag: "v1" })).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });
});
