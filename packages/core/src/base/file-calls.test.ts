import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { directCalls, pooledCalls } from "./file-calls.js";

describe.each([
  ["direct", directCalls],
  ["pooled", pooledCalls],
])("isFolder of %s calls", (_way, { isFolder }) => {
  it("follows links, and says no to files, to what is not there and to what can't be told", () =>
    withTemporaryFolder(async (folder) => {
      await mkdir(join(folder, "sub"));
      await writeFile(join(folder, "file"), "");
      await symlink("sub", join(folder, "link"));
      await symlink("circle", join(folder, "circle"));
      const answers: Record<string, boolean> = {};
      for (const name of ["sub", "link", "file", "absent", "file/below", "circle"]) {
        answers[name] = await isFolder(join(folder, name));
      }
      expect(answers).toEqual({
        sub: true,
        link: true,
        file: false,
        absent: false,
        "file/below": false,
        circle: false,
      });
    }));
});
