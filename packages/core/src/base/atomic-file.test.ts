import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeFileAtomically } from "./atomic-file.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-atomic-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("writeFileAtomically", () => {
  it("makes folders, writes with the mode, and leaves no temporary file", async () => {
    const path = join(folder, "a", "b.json");
    await writeFileAtomically(path, "one");
    await writeFileAtomically(path, "two", { mode: 0o600 });
    expect(await readFile(path, "utf8")).toBe("two");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, "a"))).toEqual(["b.json"]);
  });

  it("fails with STORAGE_FAILED that names the file and leaves nothing", async () => {
    await writeFileAtomically(join(folder, "file"), "x");
    await expect(writeFileAtomically(join(folder, "file", "below"), "y")).rejects.toMatchObject({
      code: "STORAGE_FAILED",
    });
    expect(await readdir(folder)).toEqual(["file"]);
  });
});
