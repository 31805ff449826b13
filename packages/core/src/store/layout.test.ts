import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import {
  buildImage,
  fixturePath,
  ofEndedProcess,
  seededBlob,
  type TestImage,
  withTemporaryFolder,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { digestOf, hexOf } from "../base/digest.js";
import { temporaryBeside } from "../base/temporary-file.js";
import { parseManifest } from "../oci/manifest.js";
import type { Store } from "../oci/store.js";
import { openLayout } from "./layout.js";

const REF_NAME = "org.opencontainers.image.ref.name";

async function writeImage(store: Store, image: TestImage, tag?: string): Promise<void> {
  for (const blob of image.blobs) await store.put(blob);
  await store.write(image.manifest, tag === undefined ? {} : { tag });
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, "utf8"));
}

describe("a layout that Spack's push was saved to", () => {
  it("checklist 69: gives every image with all its blobs", async () => {
    const store = await openLayout(fixturePath("small/cache"));
    let count = 0;
    for await (const tag of store.tags()) {
      const document = await store.read(tag);
      if (!document) throw new Error(`${tag} is listed but absent`);
      const { config, layers } = parseManifest(document, tag);
      for (const blob of [config, ...layers]) expect((await buffer(await store.open(blob))).length).toBe(blob.size);
      count += 1;
    }
    expect(count).toBeGreaterThan(4);
    expect(await store.resolve("index.spack")).toBeDefined();
  });
});

describe("opening a layout", () => {
  it("checklist 69: makes one where nothing is, folders above included", () =>
    withTemporaryFolder(async (root) => {
      const folder = join(root, "a", "b");
      await openLayout(folder, { create: true });
      expect(await readJson(join(folder, "oci-layout"))).toEqual({ imageLayoutVersion: "1.0.0" });
      expect(await readJson(join(folder, "index.json"))).toMatchObject({ schemaVersion: 2, manifests: [] });
      expect((await readdir(folder)).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
    }));

  it("finishes one whose making was cut off after the first file", () =>
    withTemporaryFolder(async (folder) => {
      await writeFile(join(folder, "oci-layout"), '{"imageLayoutVersion": "1.0.0"}');
      await writeFile(await ofEndedProcess(temporaryBeside(join(folder, "oci-layout"))), "");
      const store = await openLayout(folder, { create: true });
      await writeImage(store, buildImage("x"), "v1");
      expect(await (await openLayout(folder)).resolve("v1")).toBeDefined();
    }));

  it("is done by many at once, each at another moment of its making", () =>
    withTemporaryFolder(async (root) => {
      for (const round of Array(5).keys()) {
        const open = async (wait: number): Promise<Store> => {
          await setTimeout(wait);
          return openLayout(join(root, String(round)), { create: true });
        };
        const stores = await Promise.all(Array.from({ length: 20 }, (_, at) => open(at)));
        expect(await stores[0]?.resolve("any")).toBeUndefined();
      }
    }));

  it("takes a blob that comes in more pieces than one call of the system writes", () =>
    withTemporaryFolder(async (folder) => {
      const bytes = randomBytes(300_000);
      const descriptor = { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length };
      const pieces = Array.from({ length: 5000 }, (_, at) => bytes.subarray(at * 60, (at + 1) * 60));
      const store = await openLayout(folder, { create: true });
      await store.put({ descriptor, open: async () => Readable.from(pieces) });
      expect(await readFile(join(folder, "blobs/sha256", hexOf(digestOf(bytes))))).toEqual(bytes);
    }));

  it("reads one without index.json as one without tags", () =>
    withTemporaryFolder(async (folder) => {
      await writeFile(join(folder, "oci-layout"), '{"imageLayoutVersion": "1.0.0"}');
      expect(await (await openLayout(folder)).resolve("v1")).toBeUndefined();
    }));

  it("fails with IMAGE_NOT_FOUND where none is and none may be made, and writes nothing", () =>
    withTemporaryFolder(async (root) => {
      for (const folder of [root, join(root, "missing")]) {
        await expect(openLayout(folder)).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
      }
      expect(await readdir(root)).toEqual([]);
    }));

  it("refuses a folder with other things in it and leaves it as it is", () =>
    withTemporaryFolder(async (folder) => {
      await writeFile(join(folder, "thesis.txt"), "years of work");
      await expect(openLayout(folder, { create: true })).rejects.toMatchObject({ code: "STORAGE_FAILED" });
      expect(await readdir(folder)).toEqual(["thesis.txt"]);
    }));

  it("fails with the folder and a hint where none can be made, and doesn't try forever", async () => {
    const failure = expect(openLayout("/proc/spkoci/layout", { create: true })).rejects;
    await failure.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining("/proc/spkoci/layout"),
      hint: expect.stringContaining("folder"),
    });
  });

  it("refuses a file", () =>
    withTemporaryFolder(async (root) => {
      const file = join(root, "file");
      await writeFile(file, "");
      for (const create of [true, false]) {
        await expect(openLayout(file, { create })).rejects.toMatchObject({ code: "STORAGE_FAILED" });
      }
    }));

  it.each(['{"imageLayoutVersion":"2.0.0"}', "{}", "null", "[", ""])(
    "checklist 69: refuses the oci-layout file %j",
    (text) =>
      withTemporaryFolder(async (folder) => {
        await writeFile(join(folder, "oci-layout"), text);
        await expect(openLayout(folder, { create: true })).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
      }),
  );

  it.each(["", "{", "[]", '{"schemaVersion":2}', '{"schemaVersion":1,"manifests":[]}'])(
    "never overwrites the unreadable index.json %j",
    (text) =>
      withTemporaryFolder(async (folder) => {
        const store = await openLayout(folder, { create: true });
        await writeFile(join(folder, "index.json"), text);
        await expect(writeImage(store, buildImage("x"), "v1")).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
        expect(await readFile(join(folder, "index.json"), "utf8")).toBe(text);
      }),
  );

  it("removes what killed processes left once somebody opens it to write, and nothing else", () =>
    withTemporaryFolder(async (folder) => {
      await openLayout(folder, { create: true });
      const underWay = temporaryBeside(join(folder, "put"));
      const left = basename(await ofEndedProcess(underWay));
      const others = [basename(underWay), "README", ".hidden.tmp"];
      for (const name of [left, ...others]) await writeFile(join(folder, name), "");
      await openLayout(folder);
      expect(await readdir(folder)).toContain(left);
      await openLayout(folder, { create: true });
      expect((await readdir(folder)).sort()).toEqual([...others, "blobs", "index.json", "oci-layout"].sort());
    }));
});

describe("index.json", () => {
  it("checklist 69: keeps all that is not the entry of the tag that moves", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      const [one, two] = [buildImage("one"), buildImage("two")];
      await writeImage(store, one, "moves");
      const path = join(folder, "index.json");
      const before = (await readJson(path)) as { manifests: object[] };
      const strangers = [
        { mediaType: "application/x-unknown", digest: `sha512:${"a".repeat(128)}`, size: 3, annotations: { a: "b" } },
        { ...two.manifest.descriptor, annotations: { [REF_NAME]: "stays", "io.example": "kept" }, "x-member": [1] },
        { ...one.manifest.descriptor },
        "not even an object",
      ];
      const extra = { annotations: { "org.example.note": "kept" }, "x-more": { deep: true } };
      await writeFile(path, JSON.stringify({ ...before, ...extra, manifests: [...before.manifests, ...strangers] }));
      await writeImage(store, two, "moves");
      const moved = { ...two.manifest.descriptor, annotations: { [REF_NAME]: "moves" } };
      expect(await readJson(path)).toEqual({ ...before, ...extra, manifests: [moved, ...strangers] });
    }));

  it("checklist 69: may name what is not there: it is absent, and can be written", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      const { manifest } = buildImage("sparse");
      const entry = { ...manifest.descriptor, annotations: { [REF_NAME]: "v1" } };
      await writeFile(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
      expect(await store.resolve("v1")).toBeUndefined();
      expect(await store.read(manifest.descriptor.digest)).toBeUndefined();
      await writeImage(store, buildImage("sparse"), "v1");
      expect(await store.resolve("v1")).toEqual(manifest.descriptor);
    }));

  it("loses no tag that two Stores over one folder write at the same time", () =>
    withTemporaryFolder(async (folder) => {
      const stores = [await openLayout(folder, { create: true }), await openLayout(folder, { create: true })];
      const image = buildImage("race");
      const tags = Array.from({ length: 40 }, (_, index) => `t${index}`);
      await Promise.all(tags.map((tag, at) => writeImage(stores[at % 2] as Store, image, tag)));
      const found: string[] = [];
      for await (const tag of (await openLayout(folder)).tags()) found.push(tag);
      expect(found.sort()).toEqual(tags.sort());
      expect((await readdir(folder)).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
    }));
});

describe("blobs of a layout", () => {
  const blob = seededBlob("blob", 1000);
  const pathOf = (folder: string) => join(folder, "blobs", "sha256", hexOf(blob.descriptor.digest));

  it("that were changed fail while they are read", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      await writeFile(pathOf(folder), Buffer.alloc(1000));
      const reading = store.open(blob.descriptor).then(buffer);
      await expect(reading).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    }));

  it("that are cut off are not there, and are written again", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      await writeFile(pathOf(folder), blob.bytes.subarray(0, 500));
      expect(await store.has(blob.descriptor)).toBe(false);
      await store.put(blob);
      expect((await readFile(pathOf(folder))).equals(blob.bytes)).toBe(true);
    }));

  it("that can't be written fail with the path, and leave nothing", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      await mkdir(pathOf(folder));
      await expect(store.put(blob)).rejects.toMatchObject({
        code: "STORAGE_FAILED",
        message: expect.stringContaining(pathOf(folder)),
      });
      expect((await readdir(folder)).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
    }));

  it("are not taken for manifests", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      const image = buildImage("x");
      await writeImage(store, image);
      for (const { descriptor } of image.blobs) expect(await store.resolve(descriptor.digest)).toBeUndefined();
      expect(await store.resolve(image.manifest.descriptor.digest)).toEqual(image.manifest.descriptor);
    }));
});
