import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createTemporaryFolder, endedPid, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ownProcess } from "../base/process-owner.js";
import { isMemoryFileSystem, openSpool } from "./spool.js";

let temporary: TemporaryFolder;
let cache: string;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  cache = join(temporary.path, "cache");
});

afterEach(() => temporary.remove());

/** The folder of a run, with a file in it. */
async function makeRunFolder(host: string, pid: number): Promise<string> {
  const name = `${host}-${pid}-${"0123456789abcdef".repeat(2)}`;
  await mkdir(join(cache, "spool", name), { recursive: true });
  await writeFile(join(cache, "spool", name, "1"), "left");
  return name;
}

describe("openSpool", () => {
  it("makes a folder under the cache that only its user can enter", async () => {
    const spool = await openSpool(cache);
    expect(dirname(spool.folder)).toBe(join(cache, "spool"));
    expect((await stat(spool.folder)).mode & 0o777).toBe(0o700);
  });

  it("gives every run its own folder and every file its own path", async () => {
    const [one, two] = [await openSpool(cache), await openSpool(cache)];
    expect(one.folder).not.toBe(two.folder);
    expect(one.newFile()).not.toBe(one.newFile());
    expect(await readdir(join(cache, "spool"))).toHaveLength(2);
  });

  it("removes its folder with what is in it", async () => {
    const spool = await openSpool(cache);
    await writeFile(spool.newFile(), "x");
    await spool.dispose();
    expect(await readdir(join(cache, "spool"))).toEqual([]);
    await expect(spool.dispose()).resolves.toBeUndefined();
  });

  it("removes what a killed run of this host left", async () => {
    const left = await makeRunFolder(ownProcess().host, await endedPid());
    await openSpool(cache);
    expect(await readdir(join(cache, "spool"))).not.toContain(left);
  });

  it("keeps the folders of other hosts, of running processes, and whatever else is there", async () => {
    const kept = [
      await makeRunFolder("000000000000", await endedPid()),
      await makeRunFolder(ownProcess().host, ownProcess().pid),
    ];
    await mkdir(join(cache, "spool", "notes"));
    await openSpool(cache);
    expect(await readdir(join(cache, "spool"))).toEqual(expect.arrayContaining([...kept, "notes"]));
  });

  it("says which folder can't be made", async () => {
    await writeFile(cache, "a file");
    const error = { code: "STORAGE_FAILED", message: expect.stringContaining(join(cache, "spool")) };
    await expect(openSpool(cache)).rejects.toMatchObject(error);
  });
});

describe("isMemoryFileSystem", () => {
  it("knows Linux's shared memory from a folder of the kernel's", async () => {
    expect(await isMemoryFileSystem("/dev/shm")).toBe(true);
    expect(await isMemoryFileSystem("/proc")).toBe(false);
  });

  it("looks at the nearest folder that exists", async () => {
    expect(await isMemoryFileSystem("/dev/shm/spkoci-not-there/cache")).toBe(true);
    expect(await isMemoryFileSystem(join(temporary.path, "not", "there"))).toBe(await isMemoryFileSystem(tmpdir()));
  });
});
