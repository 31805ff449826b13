import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { archiveParts, buildImage, type RawEntry, rawTar, seededBlob, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { hexOf } from "../base/digest.js";
import type { SpkociEvent } from "../base/events.js";
import { temporaryBeside } from "../base/temporary-file.js";
import type { BlobSource, Store } from "../oci/store.js";
import { draftArchive, openArchive } from "./archive.js";
import { openLayout } from "./layout.js";

const IMAGE = buildImage("archive");
const { digest: DIGEST } = IMAGE.manifest.descriptor;

async function putImage(store: Store, image = IMAGE, tag = "v1"): Promise<void> {
  for (const blob of image.blobs) await store.put(blob);
  await store.write(image.manifest, { tag });
}

const partsOf = (change?: (name: string) => Partial<RawEntry>, prefix = ""): RawEntry[] =>
  archiveParts(IMAGE, change, prefix);

async function expectImage(store: Store): Promise<void> {
  expect((await store.read("v1"))?.descriptor).toEqual(IMAGE.manifest.descriptor);
  for (const blob of IMAGE.blobs) expect(await buffer(await store.open(blob.descriptor))).toEqual(blob.bytes);
}

describe("an archive that was written", () => {
  it("is read back, and has the same bytes in whatever order its content came", () =>
    withTemporaryFolder(async (folder) => {
      const images = ["one", "two", "three"].map((name) => ({ name, image: buildImage(name) }));
      const files = ["a.tar", "b.tar"].map((name) => join(folder, name));
      for (const [at, file] of files.entries()) {
        const draft = await draftArchive(file);
        for (const { name, image } of at === 0 ? images : images.toReversed()) await putImage(draft.store, image, name);
        expect(await draft.finish()).toBe((await readFile(file)).length);
      }
      const [a, b] = await Promise.all(files.map((file) => readFile(file)));
      expect(a?.equals(b as Buffer)).toBe(true);
      const store = await openArchive(files[0] as string);
      for (const { name, image } of images) {
        expect(await store.resolve(name)).toEqual(image.manifest.descriptor);
        for (const blob of image.blobs) expect(await buffer(await store.open(blob.descriptor))).toEqual(blob.bytes);
      }
      expect(await readdir(folder)).toEqual(["a.tar", "b.tar"]);
    }));

  it("keeps what the file had, and is not touched where nothing is new", () =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, "deep", "a.tar");
      const first = await draftArchive(file);
      await putImage(first.store);
      await first.finish();
      const before = await readFile(file);
      const same = await draftArchive(file);
      await putImage(same.store);
      expect(await same.finish()).toBeUndefined();
      expect((await readFile(file)).equals(before)).toBe(true);
      const more = await draftArchive(file);
      await putImage(more.store, buildImage("more"), "v2");
      await more.finish();
      const store = await openArchive(file);
      await expectImage(store);
      expect(await store.resolve("v2")).toEqual(buildImage("more").manifest.descriptor);
    }));

  it("reads a blob only to write it, and tells how far it is", () =>
    withTemporaryFolder(async (folder) => {
      const blob = seededBlob("late", 300_000);
      const draft = await draftArchive(join(folder, "a.tar"));
      await draft.store.put(blob);
      expect(blob.opens).toBe(0);
      const events: SpkociEvent[] = [];
      const size = await draft.finish({ emit: (event) => events.push(event) });
      expect(blob.opens).toBe(1);
      expect(events.at(-1)).toEqual({
        type: "progress",
        step: "write-archive",
        unit: "bytes",
        done: size,
        total: size,
      });
    }));

  it("takes large blobs among many small ones, a few of them fetched at the same time", () =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, "a.tar");
      const draft = await draftArchive(file);
      const blobs = Array.from({ length: 40 }, (_, at) => seededBlob(`b${at}`, at % 10 === 0 ? 1_500_000 : at * 100));
      let [open, most] = [0, 0];
      for (const blob of blobs) {
        const counted = async (): ReturnType<BlobSource["open"]> => {
          open += 1;
          most = Math.max(most, open);
          await new Promise((resolve) => setTimeout(resolve, 5));
          return (await blob.open()).once("close", () => {
            open -= 1;
          });
        };
        await draft.store.put({ descriptor: blob.descriptor, open: counted });
      }
      await draft.finish();
      const store = await openArchive(file);
      for (const blob of blobs) expect((await buffer(await store.open(blob.descriptor))).equals(blob.bytes)).toBe(true);
      expect(blobs.map(({ opens }) => opens)).toEqual(blobs.map(() => 1));
      expect([most > 1, most <= 9]).toEqual([true, true]);
    }));

  it.each([
    ["has other bytes", { ...seededBlob("x", 1000), open: seededBlob("y", 1000).open }, "DIGEST_MISMATCH"],
    ["is too short", { ...seededBlob("x", 1000), open: seededBlob("x", 999).open }, "SIZE_MISMATCH"],
  ])("leaves the file as it was when a blob %s", (_how, blob: BlobSource, code) =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, "a.tar");
      const first = await draftArchive(file);
      await putImage(first.store);
      await first.finish();
      const before = await readFile(file);
      const draft = await draftArchive(file);
      await draft.store.put(blob);
      await expect(draft.finish()).rejects.toMatchObject({ code });
      expect((await readFile(file)).equals(before)).toBe(true);
      expect(await readdir(folder)).toEqual(["a.tar"]);
    }),
  );

  it("is refused where another process wrote the file meanwhile, which stays", () =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, "a.tar");
      const [one, two] = [await draftArchive(file), await draftArchive(file)];
      await putImage(one.store);
      await putImage(two.store, buildImage("other"), "v2");
      await one.finish();
      await expect(two.finish()).rejects.toMatchObject({ code: "FILE_CHANGED" });
      await expectImage(await openArchive(file));
      expect(await readdir(folder)).toEqual(["a.tar"]);
    }));

  it("takes away what a killed process left of it, and nothing else", () =>
    withTemporaryFolder(async (folder) => {
      const others = [basename(temporaryBeside("b.tar")), ".a.tar.tmp", "a.tar.bak"];
      for (const name of [basename(temporaryBeside("a.tar")), ...others]) await writeFile(join(folder, name), "part");
      const draft = await draftArchive(join(folder, "a.tar"));
      await putImage(draft.store);
      await draft.finish();
      expect((await readdir(folder)).sort()).toEqual([...others, "a.tar"].sort());
    }));

  it("stops with the reason of an abort, and leaves nothing", () =>
    withTemporaryFolder(async (folder) => {
      const stop = new AbortController();
      const draft = await draftArchive(join(folder, "a.tar"));
      await putImage(draft.store);
      const blob = seededBlob("stopping", 10);
      const stopping = async (): ReturnType<BlobSource["open"]> => {
        stop.abort(new Error("enough"));
        return blob.open();
      };
      await draft.store.put({ descriptor: blob.descriptor, open: stopping });
      await expect(draft.finish({ signal: stop.signal })).rejects.toThrow("enough");
      expect(await readdir(folder)).toEqual([]);
    }));
});

describe("an archive of others", () => {
  it("is read from GNU tar of a folder, with folders, long headers and other files in it", () =>
    withTemporaryFolder(async (folder) => {
      const layout = join(folder, "layout");
      await putImage(await openLayout(layout, { create: true }));
      await mkdir(join(layout, "x".repeat(120)));
      await writeFile(join(layout, "x".repeat(120), "y".repeat(120)), "not of the layout");
      for (const format of ["gnu", "pax", "ustar"]) {
        const file = join(folder, `${format}.tar`);
        const excluded = format === "ustar" ? ["--exclude", "x*"] : [];
        await promisify(execFile)("tar", [`--format=${format}`, ...excluded, "-cf", file, "-C", layout, "."]);
        await expectImage(await openArchive(file));
      }
    }));

  it("may give sizes and names in extended headers, and in binary", async () => {
    const binary = (size: number): Buffer => {
      const field = Buffer.alloc(12);
      field[0] = 0x80;
      field.writeUInt32BE(size, 8);
      return field;
    };
    const sized = partsOf((name) => ({ name: "elsewhere", pax: { path: `./${name}`, mtime: "1.5" } }));
    const store = await withTemporaryFolder(async (folder) => {
      const file = join(folder, "a.tar");
      await writeFile(
        file,
        rawTar(...sized.map((part) => ({ ...part, size: binary(Buffer.byteLength(part.content ?? "")) }))),
      );
      const archive = await openArchive(file);
      await expectImage(archive);
      return archive;
    });
    expect(store.name).toMatch(/^oci-archive:/);
  });

  it("can only be read", () =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, "a.tar");
      await writeFile(file, rawTar(...partsOf()));
      const store = await openArchive(file);
      const before = await readFile(file);
      const { manifest, blobs } = buildImage("new");
      const attempts = [
        store.put(blobs[0] as BlobSource),
        store.write(manifest),
        store.write(IMAGE.manifest, { tag: "v2" }),
        store.delete("v1"),
      ];
      for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ code: "STORAGE_FAILED" });
      expect((await readFile(file)).equals(before)).toBe(true);
      await expectImage(store);
    }));

  it("that changes while it is read is noticed", () =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, "a.tar");
      await writeFile(file, rawTar(...partsOf()));
      const store = await openArchive(file);
      await utimes(file, 1, 1);
      await expect(store.read("v1")).rejects.toMatchObject({ code: "FILE_CHANGED" });
    }));

  it("with a blob of other bytes than its name says fails when that is read", () =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, "a.tar");
      const name = `blobs/sha256/${hexOf(DIGEST)}`;
      const damaged = Buffer.from(IMAGE.manifest.bytes).fill("x", 10, 20);
      await writeFile(file, rawTar(...partsOf((each) => (each === name ? { content: damaged } : {}))));
      await expect((await openArchive(file)).read("v1")).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    }));
});
