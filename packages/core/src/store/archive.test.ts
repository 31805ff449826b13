import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import {
  buildImage,
  type RawEntry,
  rawEntries,
  rawTar,
  seededBlob,
  TAR_END,
  withTemporaryFolder,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { hexOf } from "../base/digest.js";
import type { SpkociEvent } from "../base/events.js";
import { formatTarHeader, parseTarHeader } from "../base/tar-header.js";
import type { BlobSource, Store } from "../oci/store.js";
import { draftArchive, openArchive } from "./archive.js";
import { openLayout } from "./layout.js";

const IMAGE = buildImage("archive");
const { digest: DIGEST } = IMAGE.manifest.descriptor;
const REF_NAME = "org.opencontainers.image.ref.name";

async function putImage(store: Store, image = IMAGE, tag = "v1"): Promise<void> {
  for (const blob of image.blobs) await store.put(blob);
  await store.write(image.manifest, { tag });
}

/** The entries of an archive with the image under the tag v1. */
function partsOf(change: (name: string) => Partial<RawEntry> = () => ({}), prefix = ""): RawEntry[] {
  const entry = { ...IMAGE.manifest.descriptor, annotations: { [REF_NAME]: "v1" } };
  const blobs = [...IMAGE.blobs.map(({ bytes, descriptor }) => ({ bytes, descriptor })), IMAGE.manifest];
  const files: [string, string | Buffer][] = [
    ["oci-layout", '{"imageLayoutVersion":"1.0.0"}'],
    ["index.json", JSON.stringify({ schemaVersion: 2, manifests: [entry] })],
    ...blobs.map(({ bytes, descriptor }): [string, Buffer] => [
      `blobs/sha256/${hexOf(descriptor.digest)}`,
      Buffer.from(bytes),
    ]),
  ];
  return files.map(([name, content]) => ({ name: prefix + name, content, ...change(name) }));
}

async function expectImage(store: Store): Promise<void> {
  expect((await store.read("v1"))?.descriptor).toEqual(IMAGE.manifest.descriptor);
  for (const blob of IMAGE.blobs) expect(await buffer(await store.open(blob.descriptor))).toEqual(blob.bytes);
}

const opened = (bytes: Buffer): Promise<Store> =>
  withTemporaryFolder(async (folder) => {
    await writeFile(join(folder, "a.tar"), bytes);
    return openArchive(join(folder, "a.tar"));
  });

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
      const others = [".b.tar.0123456789abcdef.tmp", ".a.tar.tmp", "a.tar.bak"];
      for (const name of [".a.tar.0123456789abcdef.tmp", ...others]) await writeFile(join(folder, name), "part");
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

describe("what is no archive", () => {
  const whole = rawTar(...partsOf());
  const link = (type: string): Buffer => rawTar(...partsOf(), { name: "blobs/x", type, target: "/etc/passwd" });
  const [first, ...others] = partsOf() as [RawEntry, ...RawEntry[]];

  it.each<[string, Buffer, RegExp]>([
    ["an empty file", Buffer.alloc(0), /cut off/],
    ["a text", Buffer.from("x".repeat(2000)), /no tar/],
    ["nothing but its end", TAR_END, /no oci-layout/],
    ["one without an end", rawEntries(...partsOf()), /cut off/],
    ["one cut off in a header", whole.subarray(0, 700), /cut off/],
    ["one cut off in a blob", whole.subarray(0, 4000), /cut off/],
    ["one with a damaged header", Buffer.concat([rawEntries(first), Buffer.alloc(512, "x"), TAR_END]), /damaged/],
    ["one with a blob twice", rawTar(...partsOf(), ...partsOf().slice(2)), /twice/],
    ["one with two indexes", rawTar(...partsOf(), ...partsOf().slice(1, 2)), /index\.json twice/],
    ["one with a hard link", link("1"), /hard link/],
    ["one with a symbolic link", link("2"), /symbolic link/],
    ["one with a device", link("3"), /device/],
    ["one with a sparse file", link("S"), /sparse/],
    ["one with a sparse file of POSIX", rawTar(...others, { ...first, pax: { "GNU.sparse.major": "1" } }), /sparse/],
    ["one with an entry of unknown kind", link("V"), /unknown kind/],
    ["one with a file larger than it", rawTar({ ...first, size: 8_000_000_000 }, ...others), /cut off/],
    ["one with a negative size", rawTar({ ...first, size: Buffer.alloc(12, 0xff) }, ...others), /no tar/],
    ["one with a size beyond counting", rawTar({ ...first, pax: { size: "9".repeat(30) } }, ...others), /impossible/],
    [
      "one with a malformed extended header",
      rawTar({ ...first, pax: Buffer.from("99 path=x\n") }, ...others),
      /malformed/,
    ],
    [
      "one with a huge extended header",
      rawTar({ ...first, pax: { path: "x".repeat(100_000) } }, ...others),
      /too large/,
    ],
    [
      "one without an index",
      rawTar(...partsOf((name) => (name === "index.json" ? { name: "x" } : {}))),
      /no index\.json/,
    ],
    ["one whose names lead elsewhere", rawTar(...partsOf(() => ({}), "x/../")), /no oci-layout/],
    ["one of another version", rawTar({ ...first, content: '{"imageLayoutVersion":"9"}' }, ...others), /version "9"/],
    [
      "one whose index is none",
      rawTar(...partsOf((name) => (name === "index.json" ? { content: "[]" } : {}))),
      /index/,
    ],
    ["a compressed one", gzipSync(whole), /compressed/],
  ])("is refused: %s", async (_what, bytes, message) => {
    const error = await opened(bytes).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(?:ARCHIVE_REFUSED|DOCUMENT_INVALID)$/),
      message: expect.stringMatching(message),
    });
  });

  it("is refused wherever it is cut off", () =>
    withTemporaryFolder(async (folder) => {
      const file = join(folder, "a.tar");
      for (let size = whole.length - 1025; size > 0; size -= 509) {
        await writeFile(file, whole);
        await truncate(file, size);
        await expect(openArchive(file)).rejects.toMatchObject({ code: "ARCHIVE_REFUSED" });
      }
    }));

  it("or isn't there, or is a folder", () =>
    withTemporaryFolder(async (folder) => {
      await expect(openArchive(join(folder, "none.tar"))).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
      await expect(openArchive(folder)).rejects.toMatchObject({
        code: "ARCHIVE_REFUSED",
        hint: `Write oci:${folder} for an OCI layout folder.`,
      });
    }));
});

describe("a header", () => {
  it.each([0, 1, 8 ** 11 - 1, 8 ** 11, 2 ** 50])("holds a size of %i bytes", (size) => {
    expect(parseTarHeader(formatTarHeader({ name: "blobs/sha256/x", type: "0", mode: 0o644, size }))).toEqual({
      name: "blobs/sha256/x",
      type: "0",
      size,
    });
  });
});
