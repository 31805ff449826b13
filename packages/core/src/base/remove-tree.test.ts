import { chmod, mkdir, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { removeTree } from "./remove-tree.js";

describe("removeTree", () => {
  it("removes a folder with read-only folders in it, and leaves what links lead to", () =>
    withTemporaryFolder(async (folder) => {
      const kept = join(folder, "kept");
      const inner = join(folder, "tree", "a", "b");
      await mkdir(inner, { recursive: true });
      await mkdir(kept, { mode: 0o555 });
      await writeFile(join(inner, "file"), "x");
      await symlink(kept, join(inner, "link"));
      await chmod(inner, 0o555);
      await chmod(join(folder, "tree"), 0o555);
      await removeTree(join(folder, "tree"));
      expect(await readdir(folder)).toEqual(["kept"]);
      expect((await stat(kept)).mode & 0o777).toBe(0o555);
    }));

  it("removes a link, not what it leads to", () =>
    withTemporaryFolder(async (folder) => {
      await writeFile(join(folder, "file"), "x");
      await symlink("file", join(folder, "link"));
      await removeTree(join(folder, "link"));
      expect(await readdir(folder)).toEqual(["file"]);
    }));

  it("is content with nothing", () =>
    withTemporaryFolder(async (folder) => {
      await expect(removeTree(join(folder, "none"))).resolves.toBeUndefined();
    }));
});
