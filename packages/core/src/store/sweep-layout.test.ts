import { writeFileSync } from "node:fs";
import { readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  buildImage,
  buildIndex,
  createTemporaryFolder,
  seededBlob,
  type TemporaryFolder,
  type TestImage,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Digest, hexOf } from "../base/digest.js";
import { documentOf, jsonDocument } from "../oci/document.js";
import { blobOf, type Store } from "../oci/store.js";
import { openLayout } from "./layout.js";
import { findUnneededBlobs, sweepLayout } from "./sweep-layout.js";

let folder: TemporaryFolder;
let store: Store;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  store = await openLayout(folder.path, { create: true });
});
afterEach(() => folder.remove());

async function put(image: TestImage, tag?: string): Promise<void> {
  for (const blob of image.blobs) await store.put(blob);
  await store.write(image.manifest, tag === undefined ? {} : { tag });
}

const everything = { writtenSince: Number.POSITIVE_INFINITY };
const contentOf = ({ manifest, blobs }: TestImage): Digest[] =>
  [manifest, ...blobs].map(({ descriptor }) => descriptor.digest).sort();

async function unneeded(without?: ReadonlySet<Digest>): Promise<Digest[]> {
  const blobs = await findUnneededBlobs(folder.path, { ...everything, without });
  return blobs.map(({ digest }) => digest).sort();
}

describe("findUnneededBlobs", () => {
  it("finds what no entry leads to, and what only given entries lead to", async () => {
    const [one, two, loose] = [buildImage("one"), buildImage("two"), buildImage("loose")];
    await put(one, "one");
    await put(two, "two");
    await put(loose);
    expect(await unneeded()).toEqual(contentOf(loose));
    const without = new Set([two.manifest.descriptor.digest]);
    expect(await unneeded(without)).toEqual([...contentOf(loose), ...contentOf(two)].sort());
  });

  it("follows indexes of indexes, and documents of unknown types", async () => {
    const { index, images } = buildIndex("multi", ["linux/amd64", "linux/arm64"]);
    for (const image of images) await put(image);
    await store.write(index);
    const layer = seededBlob("layer of an artifact", 100);
    await store.put(layer);
    const { mediaType, digest, size } = index.descriptor;
    const type = "application/vnd.example.artifact";
    const outer = jsonDocument(type, {
      manifests: [{ mediaType, digest, size }],
      further: { blobs: [layer.descriptor.digest] },
    });
    await store.write(outer, { tag: "artifact" });
    expect(await unneeded()).toEqual([]);
  });

  it("doesn't take a subject for something that is needed", async () => {
    const subject = buildImage("subject");
    await put(subject);
    const { mediaType, digest, size } = subject.manifest.descriptor;
    await store.write(jsonDocument("application/json", { subject: { mediaType, digest, size } }), { tag: "note" });
    expect(await unneeded()).toEqual(contentOf(subject));
  });

  it("takes a document that is missing for one that needs nothing", async () => {
    const image = buildImage("image");
    await put(image, "image");
    await rm(join(folder.path, "blobs/sha256", hexOf(image.manifest.descriptor.digest)));
    expect(await unneeded()).toEqual(image.blobs.map(({ descriptor }) => descriptor.digest).sort());
  });

  it("refuses to guess what a damaged document needs", async () => {
    const image = buildImage("image");
    await put(image, "image");
    await writeFile(join(folder.path, "blobs/sha256", hexOf(image.manifest.descriptor.digest)), "{}");
    await expect(unneeded()).rejects.toMatchObject({
      code: "DOCUMENT_INVALID",
      message: expect.stringMatching(/^\S+ can't be read, /),
    });
    const binary = documentOf("application/octet-stream", Buffer.from([0, 1, 2]));
    await store.write(binary, { tag: "image" });
    await expect(unneeded()).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
  });

  it("leaves alone what is no blob", async () => {
    await writeFile(join(folder.path, "blobs/sha256/notes.txt"), "");
    await writeFile(join(folder.path, "blobs/sha256", "A".repeat(64)), "");
    expect(await unneeded()).toEqual([]);
  });
});

describe("sweepLayout", () => {
  it("removes old blobs, and none that was written or put since", async () => {
    const [old, put1, put2] = [seededBlob("old", 10), seededBlob("new", 10), seededBlob("again", 10)];
    for (const blob of [old, put2]) {
      await store.put(blob);
      const path = join(folder.path, "blobs/sha256", hexOf(blob.descriptor.digest));
      await utimes(path, new Date(0), new Date(0));
    }
    for (const blob of [put1, put2]) await store.put(blob);
    const removed: Digest[] = [];
    await sweepLayout(folder.path, { writtenSince: 1000 }, ({ digest }) => removed.push(digest));
    expect(removed).toEqual([old.descriptor.digest]);
    for (const blob of [put1, put2]) expect(await store.has(blob.descriptor)).toBe(true);
  });

  it("keeps the blobs that a tag needs which is written meanwhile, all but those of the first batch", async () => {
    const layers = Array.from({ length: 300 }, (_, at) => seededBlob(`layer ${at}`, 10));
    const others = Array.from({ length: 600 }, (_, at) => seededBlob(`other ${at}`, 10));
    for (const blob of [...layers, ...others]) await store.put(blob);
    const links = layers.map(({ descriptor: { mediaType, digest, size } }) => ({ mediaType, digest, size }));
    const late = jsonDocument("application/json", { layers: links });
    const { mediaType, digest, size } = late.descriptor;
    const annotations = { "org.opencontainers.image.ref.name": "late" };
    const index = { schemaVersion: 2, manifests: [{ mediaType, digest, size, annotations }] };
    const removed: Digest[] = [];
    await sweepLayout(folder.path, everything, (blob) => {
      removed.push(blob.digest);
      if (removed.length > 1) return;
      // Another program, which knows nothing of the lock.
      writeFileSync(join(folder.path, "blobs/sha256", hexOf(digest)), late.bytes);
      writeFileSync(join(folder.path, "index.json"), JSON.stringify(index));
    });
    const needed = new Set(links.map((link) => link.digest));
    expect(removed.slice(500).filter((one) => needed.has(one))).toEqual([]);
    expect(removed.filter((one) => needed.has(one)).length).toBeLessThan(300);
    expect(removed.filter((one) => !needed.has(one))).toHaveLength(600);
  });

  it("stops when it is told to", async () => {
    await store.put(blobOf(jsonDocument("a", {})));
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(sweepLayout(folder.path, everything, () => {}, { signal })).rejects.toThrow("enough");
    expect(await readdir(join(folder.path, "blobs/sha256"))).toHaveLength(1);
  });
});
