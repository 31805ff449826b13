import { chmod, chown, mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTemporaryFolder, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findCacheDir, takeFolder } from "./cache-dir.js";

const yes = async (): Promise<boolean> => true;
const no = async (): Promise<boolean> => false;
const common = { env: {}, home: "/home/me", uid: 1000, isInMemory: no, isWritable: yes };
const SHARED = { folder: "/var/tmp/spkoci-1000", isShared: true };

describe("findCacheDir", () => {
  it("is ~/.cache/spkoci, or below an absolute $XDG_CACHE_HOME", async () => {
    expect(await findCacheDir(common)).toEqual({ folder: "/home/me/.cache/spkoci" });
    expect(await findCacheDir({ ...common, env: { XDG_CACHE_HOME: "/xdg" } })).toEqual({ folder: "/xdg/spkoci" });
    const relative = await findCacheDir({ ...common, env: { XDG_CACHE_HOME: "xdg" } });
    expect(relative).toEqual({ folder: "/home/me/.cache/spkoci" });
  });

  it("moves to the disk where the default lies in memory", async () => {
    expect(await findCacheDir({ ...common, isInMemory: yes })).toEqual(SHARED);
  });

  it("is not the default where that can't be written to, which it says", async () => {
    const found = await findCacheDir({ ...common, isWritable: no, isInMemory: () => expect.unreachable() });
    expect(found).toMatchObject({
      ...SHARED,
      warning: {
        message: expect.stringMatching(/\/home\/me.*can't be written.*\/var\/tmp/),
        hint: expect.stringContaining("--cache-dir"),
      },
    });
  });

  it("is the chosen one although that can't be written to: whoever writes there says so", async () => {
    expect(await findCacheDir({ ...common, chosen: "/disk", isWritable: no })).toEqual({ folder: "/disk" });
  });

  it("keeps a folder in memory that the user chose, with a warning", async () => {
    const found = await findCacheDir({ ...common, chosen: "/dev/shm/x", isInMemory: yes });
    expect(found).toMatchObject({ folder: "/dev/shm/x", warning: { message: expect.stringContaining("/dev/shm/x") } });
  });

  it("says nothing of a chosen folder on a disk", async () => {
    expect(await findCacheDir({ ...common, chosen: "/disk" })).toEqual({ folder: "/disk" });
  });
});

describe("takeFolder", () => {
  let folder: TemporaryFolder;
  const uid = process.getuid?.() ?? 0;

  beforeEach(async () => {
    folder = await createTemporaryFolder();
  });
  afterEach(() => folder.remove());

  const at = (name: string): string => join(folder.path, name);

  it("makes a folder for its user alone, and takes it again", async () => {
    await takeFolder(at("own"), uid);
    expect((await stat(at("own"))).mode & 0o777).toBe(0o700);
    await takeFolder(at("own"), uid);
  });

  it.each<[string, (path: string) => Promise<unknown>]>([
    ["a link to a folder of its user", (path) => mkdir(at("real")).then(() => symlink(at("real"), path))],
    ["a link that leads nowhere", (path) => symlink(at("nowhere"), path)],
    ["a file", (path) => writeFile(path, "")],
    ["a folder that all may write to", (path) => mkdir(path).then(() => chmod(path, 0o777))],
    ["a folder that a group may write to", (path) => mkdir(path).then(() => chmod(path, 0o770))],
  ])("refuses %s", async (_, make) => {
    await make(at("taken"));
    await expect(takeFolder(at("taken"), uid)).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      hint: expect.stringContaining("--cache-dir"),
    });
  });

  it("refuses another user's folder", async () => {
    await mkdir(at("theirs"), { mode: 0o755 });
    if (uid === 0) await chown(at("theirs"), 1234, 1234);
    await expect(takeFolder(at("theirs"), uid === 0 ? 0 : uid + 1)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  });
});
