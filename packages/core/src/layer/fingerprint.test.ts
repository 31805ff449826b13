import { chmod, copyFile, link, mkdir, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTemporaryFolder, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readEntries } from "./entries.js";
import type { Fingerprint } from "./fingerprint.js";

let temporary: TemporaryFolder;
let path: string;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  path = join(temporary.path, "pkg");
  await mkdir(join(path, "lib"), { recursive: true });
  await writeFile(join(path, "lib/a"), "12345");
  await writeFile(join(path, "b"), "b");
  await symlink("lib/a", join(path, "to-a"));
});
afterEach(() => temporary.remove());

async function fingerprint(): Promise<Fingerprint> {
  return (await readEntries({ prefix: "/opt/pkg", path })).fingerprint;
}

/** Writes and gives the file the times that it had. */
async function restoringTimes(file: string, change: () => Promise<void>): Promise<void> {
  const { atime, mtime, size } = await stat(file);
  await change();
  await utimes(file, atime, mtime);
  expect(await stat(file)).toMatchObject({ size, mtime });
}

const a = (): string => join(path, "lib/a");

const CHANGES: Readonly<Record<string, () => Promise<void>>> = {
  "a file's content": () => writeFile(a(), "123456"),
  "a file's content, with its size and time as they were": () => restoringTimes(a(), () => writeFile(a(), "54321")),
  "another file in its place, with its size and time as they were": () =>
    restoringTimes(a(), async () => {
      await copyFile(a(), `${path}-copy`);
      await rename(`${path}-copy`, a());
    }),
  "a file's name": () => rename(a(), join(path, "lib/c")),
  "a file's folder": () => rename(a(), join(path, "a")),
  "the right to execute a file": () => chmod(a(), 0o755),
  "a new file": () => writeFile(join(path, "c"), ""),
  "one file less": () => rm(a()),
  "a new folder": () => mkdir(join(path, "empty")),
  "a new name of a file": () => link(a(), join(path, "lib/b")),
  "a link's target": async () => {
    await rm(join(path, "to-a"));
    await symlink("lib/b", join(path, "to-a"));
  },
  "a link in the place of a file": async () => {
    await rm(join(path, "b"));
    await symlink("b", join(path, "b"));
  },
};

describe("the fingerprint of a prefix", () => {
  it("stays the same while nothing changes, whatever is read", async () => {
    const before = await fingerprint();
    await readEntries({ prefix: "/opt/pkg", path });
    expect((await fingerprint()).digest).toBe(before.digest);
  });

  it.each(Object.keys(CHANGES))("changes with %s", async (name) => {
    const before = await fingerprint();
    await CHANGES[name]?.();
    expect((await fingerprint()).digest).not.toBe(before.digest);
  });

  it("leaves out the build info of an earlier push", async () => {
    await mkdir(join(path, ".spack"));
    const before = await fingerprint();
    await writeFile(join(path, ".spack/binary_distribution"), "x");
    expect((await fingerprint()).digest).toBe(before.digest);
  });

  it("is settled when no file was touched for two seconds, whatever time it claims", async () => {
    await utimes(a(), 1, 1);
    expect(await fingerprint()).toMatchObject({ settled: false });
    const later = Date.now() + 3_000;
    const clock = vi.spyOn(Date, "now").mockReturnValue(later);
    try {
      expect(await fingerprint()).toMatchObject({ settled: true });
      await utimes(a(), later / 1000, later / 1000);
      expect(await fingerprint()).toMatchObject({ settled: false });
    } finally {
      clock.mockRestore();
    }
  });
});
