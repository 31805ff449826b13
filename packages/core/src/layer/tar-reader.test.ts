import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type RawEntry, rawTar, withTemporaryFolder } from "@spkoci/testkit";
import { extract } from "tar-stream";
import { describe, expect, it } from "vitest";
import { type TarEntry, TarReader } from "./tar-reader.js";

type Read = Omit<TarEntry, "mode"> & { readonly mode: number; readonly content: string };

function pieces(tar: Buffer, size: number): Buffer[] {
  const starts = Array.from({ length: Math.ceil(tar.length / size) }, (_, i) => i * size);
  return starts.map((start) => tar.subarray(start, start + size));
}

async function read(tar: Buffer, pieceSize: number): Promise<Read[]> {
  const entries: Read[] = [];
  let entry: TarEntry | undefined;
  let content: Buffer[] = [];
  const reader = new TarReader({
    begin: (begun) => {
      entry = begun;
      content = [];
    },
    write: (bytes) => content.push(Buffer.from(bytes)),
    end: () => {
      if (entry) entries.push({ ...entry, mode: entry.mode ?? 0, content: Buffer.concat(content).toString() });
      entry = undefined;
    },
  });
  for (const piece of pieces(tar, pieceSize)) {
    const memory = Buffer.from(piece);
    reader.read(memory);
    memory.fill(0xff);
  }
  reader.finish();
  return entries;
}

async function readByTarStream(tar: Buffer): Promise<Read[]> {
  const entries: Read[] = [];
  const reader = extract();
  Readable.from([tar]).pipe(reader);
  for await (const entry of reader) {
    const { name, type, mode, size, mtime, linkname } = entry.header;
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    const common = { name, type: type ?? null, mode: mode ?? 0, size: size ?? 0, target: linkname ?? "" };
    entries.push({ ...common, mtime: (mtime?.getTime() ?? 0) / 1000, content: Buffer.concat(chunks).toString() });
  }
  return entries;
}

const LONG = `${"long/".repeat(30)}name`;

/** A tree with names and targets of all lengths. */
function makeTree(folder: string): void {
  mkdirSync(join(folder, LONG), { recursive: true });
  writeFileSync(join(folder, "empty"), "");
  writeFileSync(join(folder, "block"), "b".repeat(512));
  writeFileSync(join(folder, "größe"), "x".repeat(70_001), { mode: 0o755 });
  writeFileSync(join(folder, LONG, "ä".repeat(80)), "deep");
  linkSync(join(folder, LONG, "ä".repeat(80)), join(folder, LONG, "again"));
  symlinkSync("block", join(folder, "link"));
  symlinkSync(`/${LONG}/${LONG}`, join(folder, "long-link"));
  utimesSync(join(folder, "block"), 1_000_000_000, 1_000_000_000);
}

describe("the entries of a tar", () => {
  it.each(["ustar", "gnu", "pax", "posix"])("are those that tar-stream reads: GNU tar's format %s", async (format) => {
    await withTemporaryFolder(async (folder) => {
      makeTree(folder);
      const without = format === "ustar" ? ["--exclude=long-link", "--exclude=ä*", "--exclude=again"] : [];
      const tar = execFileSync("tar", [`--format=${format}`, ...without, "-C", folder, "-cf", "-", "."]);
      const expected = await readByTarStream(tar);
      expect(expected.length).toBeGreaterThan(30);
      for (const size of [tar.length, 10_000, 512, 7])
        expect(await read(tar, size), `pieces of ${size}`).toEqual(expected);
    });
  });

  it.each<[string, RawEntry]>([
    ["a file whose name ends with a slash", { name: "d/", type: "0" }],
    ["a file of the oldest form", { name: "f", type: "\0", content: "x" }],
    ["a type that nobody knows", { name: "v", type: "V", content: "x" }],
    ["a device", { name: "tty", type: "3" }],
    ["a prefix", { name: "f", change: (header) => header.write("a/b", 345) }],
    [
      "names and a size in an extended header",
      { name: "f", pax: { path: "p", linkpath: "t", size: "1" }, content: "x" },
    ],
    ["an empty name in an extended header", { name: "f", pax: { path: "" } }],
    ["a global header", { name: "g", type: "g", content: "13 comment=x\n" }],
    ["set-id bits", { name: "f", mode: 0o6755 }],
  ])("are those that tar-stream reads: %s", async (_, entry) => {
    const tar = rawTar(entry, { name: "next", content: "y" });
    expect(await read(tar, 100)).toEqual(await readByTarStream(tar));
  });

  it("have a long name and a long target together", async () => {
    const long = (type: string, text: string): RawEntry => ({ name: "././@LongLink", type, content: `${text}\0` });
    const tar = rawTar(long("K", "target"), long("L", "name"), { name: "n", type: "2", target: "t" });
    expect(await read(tar, 512)).toMatchObject([{ name: "name", target: "target", type: "symlink" }]);
    expect(await read(tar, 512)).toEqual(await readByTarStream(tar));
  });
});
