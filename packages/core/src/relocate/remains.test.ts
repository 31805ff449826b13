import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findRemains } from "./remains.js";

const OLD = "/opt/spack/opt/spack";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-remains-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(join(folder, path, ".."), { recursive: true });
  await writeFile(join(folder, path), content);
}

describe("findRemains", () => {
  it("finds files that hold the path, and passes over records, links and what it is told to", async () => {
    await write("share/data.bin", Buffer.from(`\0\x01${OLD}/x\0`));
    await write("lib/libx.a", `!<arch> ${OLD}`);
    await write("bin/done", OLD);
    await write("empty", "");
    await write("other", "/opt/spack/opt/spac");
    await write(".spack/spec.json", OLD);
    await symlink(join(folder, "bin/done"), join(folder, "link"));
    expect(await findRemains(folder, OLD, new Set(["bin/done"]))).toEqual(["lib/libx.a", "share/data.bin"]);
  });

  it.each([1024 * 1024 - 10, 1024 * 1024, 2 * 1024 * 1024 + 7])(
    "finds a path at byte %i, over the border of pieces",
    async (at) => {
      const content = Buffer.alloc(at + OLD.length + 100, "x");
      content.write(OLD, at);
      await write("big", content);
      expect(await findRemains(folder, OLD, new Set())).toEqual(["big"]);
    },
  );
});
