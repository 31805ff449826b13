import { execFileSync } from "node:child_process";
import { Readable } from "node:stream";
import { extract, type Header } from "tar-stream";
import { describe, expect, it } from "vitest";
import type { FileEntry } from "./entries.js";
import { TarWriter } from "./tar.js";

async function bytesOf(add: (tar: TarWriter) => Promise<void>): Promise<Buffer> {
  const tar = new TarWriter();
  const adding = add(tar).then(() => tar.finish());
  const blocks: Buffer[] = [];
  for await (const block of tar.blocks()) blocks.push(block);
  await adding;
  return Buffer.concat(blocks);
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

async function* chunksOf(...chunks: string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

describe("TarWriter", () => {
  it("writes what GNU tar reads, with owner 0 and time 0", async () => {
    const tar = await bytesOf(async (writer) => {
      await writer.addDirectory("opt");
      await writer.addFile(fileOf("opt/a", 6), chunksOf("abc", "def"));
      await writer.addBytes("opt/b", 0o755, Buffer.from("x"));
      await writer.addBytes("opt/empty", 0o644, Buffer.alloc(0));
      await writer.addEntry({ type: "symlink", name: "opt/c", path: "c", target: "../x y" });
      await writer.addEntry({ type: "hardlink", name: "opt/d", path: "d", mode: 0o755, target: "opt/b" });
    });
    expect(gnuTarListing(tar)).toEqual([
      "drwxr-xr-x 0/0 0 1970-01-01 00:00:00 opt/",
      "-rw-r--r-- 0/0 6 1970-01-01 00:00:00 opt/a",
      "-rwxr-xr-x 0/0 1 1970-01-01 00:00:00 opt/b",
      "-rw-r--r-- 0/0 0 1970-01-01 00:00:00 opt/empty",
      "lrwxr-xr-x 0/0 0 1970-01-01 00:00:00 opt/c -> ../x y",
      "hrwxr-xr-x 0/0 0 1970-01-01 00:00:00 opt/d link to opt/b",
    ]);
  });

  it("pads the archive to 10,240 bytes", async () => {
    expect(await bytesOf(async () => {})).toHaveLength(10_240);
    expect(await bytesOf((tar) => tar.addBytes("a", 0o644, Buffer.alloc(10_240)))).toHaveLength(20_480);
  });

  it.each([
    ["long", "folder/".repeat(40) + "n".repeat(200)],
    ["of 101 bytes without a slash", "n".repeat(101)],
    ["beyond ASCII", "grüße-日本-\u{1f600}"],
    ["with a line break", "a\nb=c"],
  ])("keeps names and link targets that are %s", async (_, name) => {
    const tar = await bytesOf(async (writer) => {
      await writer.addDirectory(`d/${name}`);
      await writer.addBytes(name, 0o644, Buffer.from("content"));
      await writer.addEntry({ type: "symlink", name: "short", path: "short", target: name });
      await writer.addEntry({ type: "hardlink", name: `${name}2`, path: "", mode: 0o644, target: name });
    });
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

  it("writes sizes beyond 8 GiB in a header that GNU tar reads", async () => {
    const tar = new TarWriter();
    const added = tar.addFile(fileOf("huge", 9 * 1024 ** 3), endless());
    const blocks = tar.blocks();
    const { value: start } = await blocks.next();
    await blocks.return();
    await expect(added).rejects.toThrow();
    const script = "tar --numeric-owner -tvf - 2>/dev/null || true";
    const listing = execFileSync("sh", ["-c", script], { input: start as Buffer, encoding: "utf8" });
    expect(listing).toMatch(/ 9663676416 .* huge\n$/);
  });

  it("makes blocks that don't depend on how the content came", async () => {
    const bytes = "x".repeat(600_000);
    const sizes = async (...chunks: string[]): Promise<number[]> => {
      const tar = new TarWriter();
      const adding = tar.addFile(fileOf("a", bytes.length), chunksOf(...chunks)).then(() => tar.finish());
      const found: number[] = [];
      for await (const block of tar.blocks()) found.push(block.length);
      await adding;
      return found;
    };
    expect(await sizes(bytes)).toEqual(await sizes(bytes.slice(0, 7), bytes.slice(7, 400_000), bytes.slice(400_000)));
  });

  it("hands an error on to the reader", async () => {
    const tar = new TarWriter();
    const failed = tar.addBytes("a", 0o644, Buffer.from("x")).then(() => tar.fail(new Error("broken")));
    await expect(tar.blocks().next()).rejects.toThrow("broken");
    await failed;
  });

  it("hands on an error that came before reading began", async () => {
    const tar = new TarWriter();
    tar.fail(new Error("broken"));
    await expect(tar.blocks().next()).rejects.toThrow("broken");
  });

  it("fails to add once the reader has stopped", async () => {
    const tar = new TarWriter();
    const started = tar.addFile(fileOf("a", 9 * 1024 ** 3), endless());
    const blocks = tar.blocks();
    await blocks.next();
    await blocks.return();
    await expect(started).rejects.toThrow();
    await expect(tar.addBytes("b", 0o644, Buffer.from("x"))).rejects.toThrow();
  });
});

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(64 * 1024);
}
