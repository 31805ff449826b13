import { type Document, digestOf, type documentOf, jsonDocument, OCI_MANIFEST, type Store } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import { buildImage, type TestImage } from "../images.js";
import type { CurrentStore } from "./store-under-test.js";

/** Moving tags under a condition, removing documents, and what refers to them. */
export function describeChanges(current: CurrentStore): void {
  describe("a tag that is moved from where it was seen", () => {
    it("moves if it is still there", async () => {
      const { store, reopen } = current();
      const [one, two] = [await putImage(store, "one"), await putImage(store, "two")];
      await store.write(one.manifest, { tag: "v1", from: "nothing" });
      await store.write(two.manifest, { tag: "v1", from: one.manifest.descriptor.digest });
      expect((await (await reopen()).resolve("v1"))?.digest).toBe(two.manifest.descriptor.digest);
    });

    it("stays if another writer moved it", async () => {
      const { store, reopen } = current();
      const [one, two] = [await putImage(store, "one"), await putImage(store, "two")];
      await store.write(one.manifest, { tag: "v1" });
      for (const from of ["nothing", two.manifest.descriptor.digest] as const) {
        await expect(store.write(two.manifest, { tag: "v1", from })).rejects.toMatchObject({ code: "TAG_MOVED" });
      }
      await expect(
        store.write(two.manifest, { tag: "v2", from: one.manifest.descriptor.digest }),
      ).rejects.toMatchObject({ code: "TAG_MOVED" });
      const place = await reopen();
      expect((await place.resolve("v1"))?.digest).toBe(one.manifest.descriptor.digest);
      expect(await place.resolve("v2")).toBeUndefined();
    });
  });

  describe("a removed", () => {
    it("manifest is gone with every tag that named it; others stay", async () => {
      const { store, reopen } = current();
      const [one, two] = [await putImage(store, "one"), await putImage(store, "two")];
      for (const tag of ["a", "b"]) await store.write(one.manifest, { tag });
      await store.write(two.manifest, { tag: "c" });
      expect(await store.delete(one.manifest.descriptor.digest)).toBe(true);
      const place = await reopen();
      expect(await place.read(one.manifest.descriptor.digest)).toBeUndefined();
      expect(await place.resolve("a")).toBeUndefined();
      expect((await place.resolve("c"))?.digest).toBe(two.manifest.descriptor.digest);
      expect(await tagsOf(place)).toEqual(["c"]);
    });

    it("tag is gone alone, and what it named stays; or nothing is done where that can't be", async () => {
      const { store, reopen } = current();
      const one = await putImage(store, "one");
      for (const tag of ["a", "b"]) await store.write(one.manifest, { tag });
      const removed = await outcomeOf(store.delete("a"));
      expect([true, "DELETE_UNSUPPORTED"]).toContain(removed);
      const place = await reopen();
      expect(await tagsOf(place)).toEqual(removed === true ? ["b"] : ["a", "b"]);
      expect((await place.read(one.manifest.descriptor.digest))?.descriptor).toEqual(one.manifest.descriptor);
    });

    it("thing that isn't there is no error", async () => {
      const { store } = current();
      await store.write((await putImage(store, "one")).manifest, { tag: "a" });
      expect([false, "DELETE_UNSUPPORTED"]).toContain(await outcomeOf(store.delete("nothing")));
      expect(await store.delete(digestOf("nothing"))).toBe(false);
    });
  });

  describe("referrers", () => {
    it("of a manifest are found by its digest, with artifact type and annotations", async () => {
      const { store, reopen } = current();
      const one = await putImage(store, "one");
      await store.write(one.manifest, { tag: "v1" });
      const { digest } = one.manifest.descriptor;
      const referrer = referrerOf(one, { "org.example.note": "seen" });
      await store.write(referrer);
      const place = await reopen();
      expect(await place.referrers(digest)).toEqual([
        {
          ...referrer.descriptor,
          artifactType: "application/vnd.example.note",
          annotations: { "org.example.note": "seen" },
        },
      ]);
      expect(Buffer.from((await place.read(referrer.descriptor.digest))?.bytes ?? [])).toEqual(
        Buffer.from(referrer.bytes),
      );
      expect(await place.referrers(referrer.descriptor.digest)).toEqual([]);
    });

    it("are each there once, however often they are written, and may have referrers of their own", async () => {
      const { store, reopen } = current();
      const one = await putImage(store, "one");
      await store.write(one.manifest, { tag: "v1" });
      const notes = ["a", "b"].map((note) => referrerOf(one, { note }));
      for (const note of [...notes, ...notes]) await store.write(note);
      const answer = referrerOf({ ...one, manifest: notes[0] as Document }, { note: "answer" });
      await store.write(answer, { tag: "answer" });
      const place = await reopen();
      const digestsOf = async (subject: Document) =>
        (await place.referrers(subject.descriptor.digest)).map(({ digest }) => digest).sort();
      expect(await digestsOf(one.manifest)).toEqual(notes.map(({ descriptor }) => descriptor.digest).sort());
      expect(await digestsOf(notes[0] as Document)).toEqual([answer.descriptor.digest]);
      expect(await digestsOf(answer)).toEqual([]);
    });

    it("are none of what isn't there", async () => {
      expect(await current().store.referrers(digestOf("nothing"))).toEqual([]);
    });
  });
}

/** An artifact about an image: its own config serves as content. */
function referrerOf({ manifest }: TestImage, annotations: Record<string, string>): ReturnType<typeof documentOf> {
  const { config } = JSON.parse(Buffer.from(manifest.bytes).toString()) as {
    readonly config: { [key: string]: string | number };
  };
  const { mediaType, digest, size } = manifest.descriptor;
  return jsonDocument(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: "application/vnd.example.note",
    config,
    layers: [],
    subject: { mediaType, digest, size },
    annotations,
  });
}

async function putImage(store: Store, name: string): Promise<TestImage> {
  const image = buildImage(name);
  for (const blob of image.blobs) await store.put(blob);
  return image;
}

async function tagsOf(store: Store): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of store.tags()) tags.push(tag);
  return tags.sort();
}

/** What a call resolves to, or the code of its error. */
async function outcomeOf<T>(call: Promise<T>): Promise<T | string> {
  return call.catch((error: { readonly code: string }) => error.code);
}
