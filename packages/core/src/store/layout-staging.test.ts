import { readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { type CountedBlob, seededBlob, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { hexOf } from "../base/digest.js";
import type { BlobSource, Store } from "../oci/store.js";
import { BlobFolder } from "./blob-folder.js";
import { openLayout } from "./layout.js";

/** The blob in a file where the store has its files made. */
async function stage(store: Store, blob: CountedBlob, bytes = blob.bytes): Promise<BlobSource & { file: string }> {
  const file = store.staging?.newFile();
  if (file === undefined) throw new Error("the store has no place for files");
  await writeFile(file, bytes);
  return { descriptor: blob.descriptor, open: blob.open, take: () => file, file };
}

const inodeOf = async (path: string): Promise<number> => (await stat(path)).ino;
const pathOf = (folder: string, blob: CountedBlob): string =>
  join(folder, "blobs", "sha256", hexOf(blob.descriptor.digest));
const namesOf = async (folder: string): Promise<string[]> => (await readdir(folder)).sort();

describe("a file that was made in a layout's folder", () => {
  it("becomes a blob without being read or written again", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      const blob = seededBlob("staged", 300_000);
      const staged = await stage(store, blob);
      expect(dirname(staged.file)).toBe(store.staging?.folder);
      const inode = await inodeOf(staged.file);
      await store.put(staged);
      expect(await inodeOf(pathOf(folder, blob))).toBe(inode);
      expect(blob.opens).toBe(0);
      expect((await buffer(await store.open(blob.descriptor))).equals(blob.bytes)).toBe(true);
      expect(await namesOf(folder)).toEqual(["blobs", "index.json", "oci-layout"]);
    }));

  it("of another size is refused and removed", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      const blob = seededBlob("staged", 300_000);
      const staged = await stage(store, blob, blob.bytes.subarray(1));
      await expect(store.put(staged)).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
      expect(await store.has(blob.descriptor)).toBe(false);
      expect(await namesOf(folder)).toEqual(["blobs", "index.json", "oci-layout"]);
    }));

  it("that is gone fails with its path", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      const blob = seededBlob("staged", 10);
      const take = (): string => join(folder, ".put.0123456789abcdef.tmp");
      const put = store.put({ descriptor: blob.descriptor, open: blob.open, take });
      await expect(put).rejects.toMatchObject({ code: "STORAGE_FAILED", message: expect.stringContaining(take()) });
    }));

  it("is left to its maker where the layout has the blob", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      const blob = seededBlob("staged", 300_000);
      await store.put(blob);
      const staged = await stage(store, blob);
      await store.put(staged);
      expect((await stat(staged.file)).size).toBe(300_000);
    }));

  it("that was forgotten is taken for no blob", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      await stage(store, seededBlob("staged", 10));
      expect(await new BlobFolder(folder).list()).toEqual([]);
    }));
});
