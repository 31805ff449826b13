import { execFileSync } from "node:child_process";
import { Readable } from "node:stream";
import { extract, type Header } from "tar-stream";
import { describe, expect, it } from "vitest";
import type { Entry, FileEntry } from "./entries.js";
import { type ContentSlot, entryParts, fileParts, TarBlocks, type TarPart } from "./tar-blocks.js";

const BLOCK = 4096;

/** Blocks of a tar in which every byte of a file's content tells where in the file it is. */
async function blocksOf(...parts: Iterable<TarPart>[]): Promise<Buffer[]> {
  const at = new Map<string, number>();
  const tar = new TarBlocks(
    () => Buffer.alloc(BLOCK, "?"),
    async (slots) => {
      for (const slot of slots) fillOne(slot, at);
    },
  );
  const blocks: Buffer[] = [];
  for (const some of parts) for await (const block of tar.add(some)) blocks.push(block);
  for await (const block of tar.end()) blocks.push(block);
  return blocks;
}

function fillOne({ entry, bytes, last }: ContentSlot, at: Map<string, number>): void {
  const start = at.get(entry.name) ?? 0;
  contentOf(entry.size).copy(bytes, 0, start, start + bytes.length);
  at.set(entry.name, start + bytes.length);
  expect(last).toBe(start + bytes.length === entry.size);
}

function contentOf(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8)) & 0xff));
}

/** What GNU tar lists: mode, owner, size, time and name in one line an entry. */
function gnuTarListing(tar: Buffer): string[] {
  const options = ["--numeric-owner", "--full-time", "--utc", "--quoting-style=escape", "-tvf", "-"];
  const output = execFileSync("tar", options, { input: tar, encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  return output
    .trimEnd()
    .split("\n")
    .map((line) => line.replaceAll(/ +/g, " "));
}

function fileOf(name: string, size: number): FileEntry {
  return { type: "file", name, path: name, size, mode: 0o644, mtimeNs: 0n, inode: 0n };
}

describe("TarBlocks", () => {
  it("writes what GNU tar reads, with owner 0 and time 0", async () => {
    const entries: Entry[] = [
      fileOf("opt/a", 6),
      fileOf("opt/empty", 0),
      { type: "symlink", name: "opt/c", path: "c", target: "../x y" },
      { type: "hardlink", name: "opt/d", path: "d", mode: 0o755, target: "opt/b" },
    ];
    const blocks = await blocksOf(fileParts("opt/b", 0o755, Buffer.from("x")), entryParts(["opt"], entries));
    expect(gnuTarListing(Buffer.concat(blocks))).toEqual([
      "-rwxr-xr-x 0/0 1 1970-01-01 00:00:00 opt/b",
      "drwxr-xr-x 0/0 0 1970-01-01 00:00:00 opt/",
      "-rw-r--r-- 0/0 6 1970-01-01 00:00:00 opt/a",
      "-rw-r--r-- 0/0 0 1970-01-01 00:00:00 opt/empty",
      "lrwxr-xr-x 0/0 0 1970-01-01 00:00:00 opt/c -> ../x y",
      "hrwxr-xr-x 0/0 0 1970-01-01 00:00:00 opt/d link to opt/b",
    ]);
  });

  it("pads the archive to 10,240 bytes", async () => {
    expect(Buffer.concat(await blocksOf())).toHaveLength(10_240);
    expect(Buffer.concat(await blocksOf(fileParts("a", 0o644, Buffer.alloc(8704))))).toHaveLength(10_240);
    expect(Buffer.concat(await blocksOf(fileParts("a", 0o644, Buffer.alloc(8705))))).toHaveLength(20_480);
  });

  it("makes every block full but the last", async () => {
    const blocks = await blocksOf(entryParts(["opt"], [fileOf("opt/a", 10_000), fileOf("opt/b", 3)]));
    expect(blocks.slice(0, -1).every((block) => block.length === BLOCK)).toBe(true);
    expect(blocks).toHaveLength(5);
  });

  it.each([
    ["long", "folder/".repeat(40) + "n".repeat(200)],
    ["of 101 bytes without a slash", "n".repeat(101)],
    ["beyond ASCII", "grüße-日本-\u{1f600}"],
    ["with a line break", "a\nb=c"],
    ["longer than a block", "folder/".repeat(800)],
  ])("keeps names and link targets that are %s", async (_, name) => {
    const entries: Entry[] = [
      { type: "directory", name: `d/${name}`, path: "" },
      fileOf(name, 7),
      { type: "symlink", name: "short", path: "short", target: name },
      { type: "hardlink", name: `${name}2`, path: "", mode: 0o644, target: name },
    ];
    const tar = Buffer.concat(await blocksOf(entryParts([], entries)));
    const read: Pick<Header, "name" | "linkname">[] = [];
    const source = Readable.from([tar]).pipe(extract() as unknown as NodeJS.WritableStream);
    for await (const entry of source as unknown as AsyncIterable<NodeJS.ReadableStream & { header: Header }>) {
      read.push(entry.header);
      entry.resume();
    }
    expect(read.map((header) => [header.name, header.linkname])).toEqual([
      [`d/${name}/`, null],
      [name, null],
      ["short", name],
      [`${name}2`, name],
    ]);
    expect(gnuTarListing(tar)).toHaveLength(4);
  });

  it.each([0, 1, 511, 512, 513, 2 * BLOCK - 512, 2 * BLOCK - 511, 5 * BLOCK])(
    "holds files of %i bytes whole, wherever blocks begin",
    async (size) => {
      const files = ["a", "b", "c"].map((name) => fileOf(name, size));
      const tar = Buffer.concat(await blocksOf(entryParts([], files)));
      const source = Readable.from([tar]).pipe(extract() as unknown as NodeJS.WritableStream);
      let read = 0;
      for await (const entry of source as unknown as AsyncIterable<AsyncIterable<Buffer>>) {
        const chunks: Buffer[] = [];
        for await (const chunk of entry) chunks.push(chunk);
        expect(Buffer.concat(chunks).equals(contentOf(size))).toBe(true);
        read += 1;
      }
      expect(read).toBe(3);
    },
  );

  it("writes sizes beyond 8 GiB in a header that GNU tar reads", async () => {
    const tar = new TarBlocks(
      () => Buffer.alloc(64 * 1024),
      async () => {},
    );
    const blocks = tar.add(entryParts([], [fileOf("huge", 9 * 1024 ** 3)]));
    const { value: start } = await blocks.next();
    await blocks.return();
    const script = "tar --numeric-owner -tvf - 2>/dev/null || true";
    const listing = execFileSync("sh", ["-c", script], { input: start as Buffer, encoding: "utf8" });
    expect(listing).toMatch(/ 9663676416 .* huge\n$/);
  });

  it("throws what filling a block failed with", async () => {
    const tar = new TarBlocks(
      () => Buffer.alloc(BLOCK),
      async () => {
        throw new Error("broken");
      },
    );
    await expect(tar.add(entryParts([], [fileOf("a", BLOCK)])).next()).rejects.toThrow("broken");
  });
});
