import { stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { makeFolders } from "./make-folders.js";

describe("makeFolders", () => {
  it("makes a folder and those above it with the mode, and takes what is there", () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "a", "b", "c");
      await makeFolders(path, 0o700);
      for (const one of [path, join(folder, "a")]) expect((await stat(one)).mode & 0o777).toBe(0o700);
      await makeFolders(path);
      expect((await stat(path)).mode & 0o777).toBe(0o700);
    }));

  it("may be called by several at once", () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "a", "b", "c");
      await Promise.all(Array.from({ length: 8 }, () => makeFolders(path)));
      expect((await stat(path)).isDirectory()).toBe(true);
    }));

  it("takes a link to a folder, and fails where a file is, or a link that leads nowhere", () =>
    withTemporaryFolder(async (folder) => {
      await symlink(folder, join(folder, "link"));
      await makeFolders(join(folder, "link"));
      await writeFile(join(folder, "file"), "");
      await symlink("nowhere", join(folder, "broken"));
      await expect(makeFolders(join(folder, "file"))).rejects.toMatchObject({ code: "EEXIST" });
      await expect(makeFolders(join(folder, "file", "a"))).rejects.toMatchObject({ code: "ENOTDIR" });
      await expect(makeFolders(join(folder, "broken"))).rejects.toMatchObject({ code: "EEXIST" });
    }));

  it("fails where nothing can be made, and doesn't try forever", async () => {
    await expect(makeFolders("/proc/spkoci/a/b")).rejects.toMatchObject({ code: expect.stringMatching(/^E[A-Z]+$/) });
  });
});
