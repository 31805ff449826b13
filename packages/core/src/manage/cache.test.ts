import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { ofEndedProcess, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { collect } from "../base/streams.js";
import { temporaryBeside } from "../base/temporary-file.js";
import { indexMemoryFolder } from "../catalog/index-memory.js";
import { layerMemoryFolder } from "../layer/layer-memory.js";
import { openSpool } from "../layer/spool.js";
import { documentOf } from "../oci/document.js";
import { blobOf } from "../oci/store.js";
import { openLocalCache } from "../store/local-cache.js";
import { cleanCache, readCacheInfo } from "./cache.js";

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const one = blobOf(documentOf(LAYER, Buffer.from("one")));
const three = blobOf(documentOf(LAYER, Buffer.from("three")));

/** A cache of two layers, 8 bytes. */
async function fillCache(folder: string): Promise<void> {
  const cache = await openLocalCache(folder);
  await cache.put(one);
  await cache.put(three);
}

describe("readCacheInfo", () => {
  it("counts layers and their bytes", () =>
    withTemporaryFolder(async (folder) => {
      await fillCache(folder);
      expect(await readCacheInfo(folder)).toEqual({ folder, layers: 2, bytes: 8, remembered: 0 });
    }));

  it("finds nothing where there is no cache, and makes none", () =>
    withTemporaryFolder(async (folder) => {
      const none = join(folder, "none");
      expect(await readCacheInfo(none)).toEqual({ folder: none, layers: 0, bytes: 0, remembered: 0 });
      expect(await cleanCache(none)).toEqual({ folder: none, layers: 0, bytes: 0, remembered: 0 });
      expect(await readdir(folder)).toEqual([]);
    }));

  it("names a cache folder that can't be read", () =>
    withTemporaryFolder(async (folder) => {
      await writeFile(join(folder, "file"), "");
      await expect(readCacheInfo(join(folder, "file"))).rejects.toMatchObject({
        code: "STORAGE_FAILED",
        message: expect.stringContaining(join(folder, "file")),
        hint: expect.stringContaining("--cache-dir"),
      });
    }));
});

describe("cleanCache", () => {
  it("removes the layers, says how many, and leaves a cache that works", () =>
    withTemporaryFolder(async (folder) => {
      await fillCache(folder);
      expect(await cleanCache(folder)).toEqual({ folder, layers: 2, bytes: 8, remembered: 0 });
      expect(await readCacheInfo(folder)).toEqual({ folder, layers: 0, bytes: 0, remembered: 0 });
      const cache = await openLocalCache(folder);
      expect(await cache.has(one.descriptor)).toBe(false);
      await cache.put(one);
      expect(await cache.has(one.descriptor)).toBe(true);
    }));

  it("removes what is remembered of layers and indexes, and what a killed push has not finished", () =>
    withTemporaryFolder(async (folder) => {
      const name = `${"0".repeat(64)}.json`;
      const underWay = basename(temporaryBeside(name));
      const left = await ofEndedProcess(underWay);
      const memories = [layerMemoryFolder(folder), indexMemoryFolder(folder)];
      for (const memory of memories) {
        await mkdir(memory);
        for (const file of [name, left, underWay, "mine"]) await writeFile(join(memory, file), "");
      }
      expect(await readCacheInfo(folder)).toMatchObject({ layers: 0, remembered: 1 });
      expect(await cleanCache(folder)).toMatchObject({ remembered: 1 });
      for (const memory of memories) expect((await readdir(memory)).sort()).toEqual([underWay, "mine"]);
    }));

  it("lets a run that is under way read, write, and keep its folder", () =>
    withTemporaryFolder(async (folder) => {
      await fillCache(folder);
      const cache = await openLocalCache(folder);
      const spool = await openSpool(folder);
      const read = await cache.open(three.descriptor);
      await cleanCache(folder);
      expect((await collect(read, 5, "a layer")).toString()).toBe("three");
      expect(await readdir(join(folder, "spool"))).toHaveLength(1);
      await cache.put(three);
      expect(await readCacheInfo(folder)).toMatchObject({ layers: 1 });
      await spool.dispose();
    }));

  it("leaves files alone that are no layers", () =>
    withTemporaryFolder(async (folder) => {
      await fillCache(folder);
      await mkdir(join(folder, "mine"));
      await writeFile(join(folder, "blobs", "blobs", "sha256", "notes"), "");
      await cleanCache(folder);
      expect(await readdir(join(folder, "blobs", "blobs", "sha256"))).toEqual(["notes"]);
      expect(await readdir(folder)).toContain("mine");
    }));
});
