import { execFileSync } from "node:child_process";
import { appendFile, rename, rm, stat, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTemporaryFolder, seededBytes, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FileEntry } from "./entries.js";
import { READ_SIZE, readContent, readSmallContent } from "./file-content.js";

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

async function chunksOf(entry: FileEntry): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of readContent(file, entry)) chunks.push(chunk);
  return chunks;
}

describe("readContent", () => {
  it("reads a file in chunks of READ_SIZE", async () => {
    const bytes = seededBytes("content", 2 * READ_SIZE + 5);
    const chunks = await chunksOf(await listed(bytes));
    expect(chunks.map(({ length }) => length)).toEqual([READ_SIZE, READ_SIZE, 5]);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  it("reads nothing of an empty file", async () => {
    expect(await chunksOf(await listed(""))).toEqual([]);
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
    await expect(chunksOf(entry)).rejects.toMatchObject({
      code: "FILE_CHANGED",
      message: expect.stringContaining(file),
    });
  });

  it("refuses a file that grows while it is read", async () => {
    const content = readContent(file, await listed(seededBytes("grows", READ_SIZE + 1)));
    await content.next();
    await appendFile(file, "more");
    await content.next();
    await expect(content.next()).rejects.toMatchObject({ code: "FILE_CHANGED" });
  });
});

describe("readSmallContent", () => {
  it("reads a file at once", async () => {
    expect((await readSmallContent(file, await listed("content"))).toString()).toBe("content");
    expect(await readSmallContent(file, await listed(""))).toHaveLength(0);
  });
});
