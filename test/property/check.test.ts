import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { check } from "@spkoci/core";
import { CacheEditor, createTemporaryFolder, type TemporaryFolder } from "@spkoci/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let folder: TemporaryFolder;
let cache: CacheEditor;
let blobs: string[];

beforeAll(async () => {
  folder = await createTemporaryFolder();
  cache = await CacheEditor.create(join(folder.path, "cache"));
  blobs = (await readdir(join(cache.folder, "blobs", "sha256"))).sort();
});

afterAll(() => folder.remove());

describe("a cache in which one byte is wrong", () => {
  it("is never called sound, and never keeps check from coming to its end", async () => {
    const where = fc.record({ blob: fc.nat(), byte: fc.nat(), flip: fc.integer({ min: 1, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(where, async ({ blob, byte, flip }) => {
        const path = join(cache.folder, "blobs", "sha256", blobs[blob % blobs.length] ?? "");
        const sound = await readFile(path);
        const damaged = Buffer.from(sound);
        const at = byte % damaged.length;
        damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at);
        await writeFile(path, damaged);
        try {
          const { findings } = await check({ source: `oci:${cache.folder}`, level: "contents" });
          expect(findings.filter(({ severity }) => severity === "error")).not.toEqual([]);
        } finally {
          await writeFile(path, sound);
        }
      }),
      { numRuns: 60 },
    );
    expect((await check({ source: `oci:${cache.folder}`, level: "contents" })).findings).toEqual([]);
  });
});
