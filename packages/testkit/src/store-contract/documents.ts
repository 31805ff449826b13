import { type Document, digestOf, documentOf, jsonDocument, MANIFEST_LIMIT, OCI_INDEX, type Store } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import { buildImage, buildIndex, type TestImage } from "../images.js";
import type { CurrentStore } from "./store-under-test.js";

/** Manifests, indexes and tags. */
export function describeDocuments(current: CurrentStore): void {
  describe("manifests and indexes", () => {
    it("are found by tag and digest with the bytes that were written, by others too", async () => {
      const { store, reopen } = current();
      const image = await putBlobs(store, buildImage("one"));
      await store.write(image.manifest, { tag: "v1.0" });
      for (const place of [store, await reopen()]) {
        for (const reference of ["v1.0", image.manifest.descriptor.digest]) {
          expect(await place.resolve(reference)).toEqual(image.manifest.descriptor);
          expectSame(await place.read(reference), image.manifest);
        }
      }
    });

    it("are undefined where there are none", async () => {
      const { store } = current();
      for (const reference of ["nothing", digestOf("nothing")]) {
        expect(await store.resolve(reference)).toBeUndefined();
        expect(await store.read(reference)).toBeUndefined();
      }
      await store.write((await putBlobs(store, buildImage("one"))).manifest, { tag: "v1" });
      expect(await store.resolve("v2")).toBeUndefined();
      expect(await store.read(digestOf("nothing"))).toBeUndefined();
    });

    it("can be written without a tag", async () => {
      const { store } = current();
      const image = await putBlobs(store, buildImage("untagged"));
      await store.write(image.manifest);
      expectSame(await store.read(image.manifest.descriptor.digest), image.manifest);
      expect(await allTags(store)).toEqual([]);
    });

    it("of Docker's media types keep their types", async () => {
      const { store, reopen } = current();
      const image = await putBlobs(store, buildImage("docker", { family: "docker" }));
      await store.write(image.manifest);
      expectSame(await (await reopen()).read(image.manifest.descriptor.digest), image.manifest);
    });

    it("lead from an index to the images it names", async () => {
      const { store, reopen } = current();
      const { index, images } = buildIndex("index", ["linux/amd64", "linux/arm64"]);
      for (const image of images) await store.write((await putBlobs(store, image)).manifest);
      await store.write(index, { tag: "multi" });
      const other = await reopen();
      expectSame(await other.read("multi"), index);
      for (const image of images) expectSame(await other.read(image.manifest.descriptor.digest), image.manifest);
    });

    it("are kept byte for byte, whatever their layout", async () => {
      const { store, reopen } = current();
      const text =
        '{ "schemaVersion" :2,\n\t"mediaType":"application/vnd.oci.image.index.v1+json", "manifests":[ ],"x": "é\\u00e9" }\n';
      const index = documentOf(OCI_INDEX, Buffer.from(text));
      await store.write(index, { tag: "odd" });
      expectSame(await (await reopen()).read("odd"), index);
    });

    it("are written twice without harm", async () => {
      const { store } = current();
      const image = await putBlobs(store, buildImage("twice"));
      await store.write(image.manifest, { tag: "v1" });
      await store.write(image.manifest, { tag: "v1" });
      expect(await allTags(store)).toEqual(["v1"]);
    });

    it("are refused with bytes that are not those of the descriptor", async () => {
      const { store } = current();
      const { manifest } = await putBlobs(store, buildImage("wrong"));
      const { digest, size } = manifest.descriptor;
      const other = { ...manifest.descriptor, digest: digestOf("other") };
      await expect(store.write({ ...manifest, descriptor: other }, { tag: "v1" })).rejects.toMatchObject({
        code: "DIGEST_MISMATCH",
      });
      const longer = { ...manifest.descriptor, digest, size: size + 1 };
      await expect(store.write({ ...manifest, descriptor: longer }, { tag: "v1" })).rejects.toMatchObject({
        code: "SIZE_MISMATCH",
      });
      expect(await store.resolve("v1")).toBeUndefined();
    });

    it("larger than the limit are refused before they are sent", async () => {
      const { store } = current();
      const filler = "x".repeat(MANIFEST_LIMIT);
      const large = jsonDocument(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], filler });
      await expect(store.write(large, { tag: "large" })).rejects.toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
      expect(await store.resolve("large")).toBeUndefined();
    });
  });

  describe("tags", () => {
    it("move to the image written last, and the earlier one stays there by digest", async () => {
      const { store, reopen } = current();
      const [one, two] = [await putBlobs(store, buildImage("one")), await putBlobs(store, buildImage("two"))];
      await store.write(one.manifest, { tag: "latest" });
      await store.write(one.manifest, { tag: "other" });
      await store.write(two.manifest, { tag: "latest" });
      const place = await reopen();
      expect(await place.resolve("latest")).toEqual(two.manifest.descriptor);
      expect(await place.resolve("other")).toEqual(one.manifest.descriptor);
      expectSame(await place.read(one.manifest.descriptor.digest), one.manifest);
      expect(await allTags(place)).toEqual(["latest", "other"]);
    });

    it("are none in an empty store", async () => {
      expect(await allTags(current().store)).toEqual([]);
    });

    it("are listed all, each once, however many there are", async () => {
      const { store, reopen } = current();
      const image = await putBlobs(store, buildImage("many"));
      const tags = Array.from({ length: 60 }, (_, index) => `tag-${String(index).padStart(3, "0")}`);
      for (const tag of tags) await store.write(image.manifest, { tag });
      expect(await allTags(await reopen())).toEqual(tags);
    });

    it("written at the same time are all there", async () => {
      const { store, reopen } = current();
      const image = await putBlobs(store, buildImage("parallel"));
      const tags = Array.from({ length: 20 }, (_, index) => `p${String(index).padStart(2, "0")}`);
      const other = await reopen();
      await Promise.all(tags.map((tag, at) => (at % 2 ? store : other).write(image.manifest, { tag })));
      expect(await allTags(await reopen())).toEqual(tags);
    });
  });
}

async function putBlobs(store: Store, image: TestImage): Promise<TestImage> {
  for (const blob of image.blobs) await store.put(blob);
  return image;
}

async function allTags(store: Store): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of store.tags()) tags.push(tag);
  return tags.sort();
}

function expectSame(found: Document | undefined, wanted: Document): void {
  expect(found?.descriptor).toEqual(wanted.descriptor);
  expect(Buffer.from(found?.bytes ?? []).toString()).toBe(Buffer.from(wanted.bytes).toString());
}
