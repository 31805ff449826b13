import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  archiveParts,
  buildImage,
  type RawEntry,
  rawEntries,
  rawTar,
  TAR_END,
  withTemporaryFolder,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { Store } from "../oci/store.js";
import { openArchive } from "./archive.js";

const IMAGE = buildImage("archive");

const partsOf = (change?: (name: string) => Partial<RawEntry>, prefix = ""): RawEntry[] =>
  archiveParts(IMAGE, change, prefix);

const opened = (bytes: Buffer): Promise<Store> =>
  withTemporaryFolder(async (folder) => {
    await writeFile(join(folder, "a.tar"), bytes);
    return openArchive(join(folder, "a.tar"));
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
