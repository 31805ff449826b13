import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { appendFile, rename, rm, stat, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTemporaryFolder, seededBytes, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { directCalls, type FileCalls, pooledCalls } from "../base/file-calls.js";
import type { FileEntry } from "./entries.js";
import { ListedFile } from "./file-content.js";

const CALLS: readonly [string, FileCalls][] = [
  ["on other threads", pooledCalls],
  ["at once", directCalls],
];

let temporary: TemporaryFolder;
let file: string;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  file = join(temporary.path, "file");
});

afterEach(() => temporary.remove());

/** Writes the file and lists it. */
async function listed(content: Buffer | string): Promise<FileEntry> {
  await writeFile(file, content);
  const stats = await stat(file, { bigint: true });
  const size = Number(stats.size);
  return { type: "file", name: "n", path: "p", size, mode: 0o644, mtimeNs: stats.mtimeNs, inode: stats.ino };
}

/** The content, read in chunks of a size. */
async function read(entry: FileEntry, calls: FileCalls, size = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const listedFile = new ListedFile(file, entry, calls);
  const content = Buffer.alloc(entry.size);
  let at = 0;
  do {
    const chunk = content.subarray(at, Math.min(at + size, entry.size));
    await listedFile.read(chunk);
    at += chunk.length;
  } while (at < entry.size);
  return content;
}

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

describe.each(CALLS)("ListedFile with calls that are carried out %s", (_, calls) => {
  it("reads a file whole or in pieces, and closes it", async () => {
    const bytes = seededBytes("content", 100_005);
    const entry = await listed(bytes);
    const before = openFiles();
    expect((await read(entry, calls)).equals(bytes)).toBe(true);
    expect((await read(entry, calls, 10_001)).equals(bytes)).toBe(true);
    expect(openFiles()).toBe(before);
  });

  it("reads nothing of an empty file, which must be there", async () => {
    const entry = await listed("");
    expect(await read(entry, calls)).toHaveLength(0);
    await rm(file);
    await expect(read(entry, calls)).rejects.toMatchObject({ code: "FILE_CHANGED" });
  });

  it.each<[string, () => Promise<unknown> | unknown]>([
    ["grew", () => appendFile(file, "more")],
    ["shrank", () => truncate(file, 2)],
    ["was written again with the same size", () => utimes(file, 1, 1)],
    ["was removed", () => rm(file)],
    [
      "was replaced by a file of the same size and time",
      async () => {
        const { atime, mtime } = await stat(file);
        await writeFile(`${file}.new`, "other content");
        await utimes(`${file}.new`, atime, mtime);
        await rename(`${file}.new`, file);
      },
    ],
    [
      "was replaced by a link",
      async () => {
        await rename(file, `${file}.old`);
        await symlink(`${file}.old`, file);
      },
    ],
    [
      "was replaced by a pipe",
      async () => {
        await rm(file);
        execFileSync("mkfifo", [file]);
      },
    ],
  ])("refuses a file that %s since it was listed", async (_, change) => {
    const entry = await listed("first content");
    await change();
    const before = openFiles();
    await expect(read(entry, calls)).rejects.toMatchObject({
      code: "FILE_CHANGED",
      message: expect.stringContaining(file),
    });
    expect(openFiles()).toBe(before);
  });

  it("refuses a file that grows or shrinks while it is read", async () => {
    const bytes = seededBytes("grows", 1000);
    for (const change of [() => appendFile(file, "more"), () => truncate(file, 600)]) {
      const content = new ListedFile(file, await listed(bytes), calls);
      await content.read(Buffer.alloc(500));
      await change();
      await expect(content.read(Buffer.alloc(500))).rejects.toMatchObject({ code: "FILE_CHANGED" });
    }
  });

  it("names a file that can't be read", async () => {
    const entry = await listed("content");
    const denied = Object.assign(new Error("denied"), { code: "EACCES" });
    const refusing: FileCalls = { ...calls, open: () => Promise.reject(denied) };
    await expect(read(entry, refusing)).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: expect.stringContaining(file),
    });
  });

  it("closes a file that is not read to its end", async () => {
    const before = openFiles();
    const content = new ListedFile(file, await listed("content"), calls);
    await content.read(Buffer.alloc(3));
    expect(openFiles()).toBe(before + 1);
    await content.close();
    expect(openFiles()).toBe(before);
  });
});
