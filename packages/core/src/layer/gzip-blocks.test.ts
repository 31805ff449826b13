import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gzipInBlocks } from "./gzip-blocks.js";

const BLOCK = 512 * 1024;

/** Words in no order: compresses about as program text does. */
function textOf(size: number): Buffer {
  const words = Array.from({ length: 1000 }, (_, at) => `word${(at * 7919) % 1000} `);
  const parts: string[] = [];
  for (let at = 0, length = 0; length < size; at += 1) {
    const word = words[(at * at) % 997] ?? "";
    parts.push(word);
    length += word.length;
  }
  return Buffer.from(parts.join("")).subarray(0, size);
}

async function packed(bytes: Buffer, level = 5, chunk = 100_000): Promise<Buffer> {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  }
  const result: Buffer[] = [];
  for await (const piece of gzipInBlocks(chunks(), level)) result.push(piece);
  return Buffer.concat(result);
}

describe("gzipInBlocks", () => {
  it.each([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 5_000_000])(
    "packs %i bytes that unpack again",
    async (size) => {
      const bytes = size % 2 === 0 ? textOf(size) : randomBytes(size);
      expect(gunzipSync(await packed(bytes)).equals(bytes)).toBe(true);
    },
  );

  it("makes one member with Spack's header, which gzip finds whole", async () => {
    const folder = await mkdtemp(join(tmpdir(), "spkoci-gzip-"));
    try {
      const result = await packed(textOf(2 * BLOCK + 17));
      expect(result.subarray(0, 10).toString("hex")).toBe("1f8b08000000000000ff");
      await writeFile(join(folder, "a.gz"), result);
      const { stdout } = await promisify(execFile)("gzip", ["-lv", join(folder, "a.gz")]);
      expect(stdout).toContain(` ${2 * BLOCK + 17} `);
      await promisify(execFile)("gzip", ["-t", join(folder, "a.gz")]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("gives the same bytes whatever the chunks, and however many streams are under way", async () => {
    const bytes = textOf(3 * BLOCK + 5);
    const alone = await packed(bytes);
    expect((await packed(bytes, 5, 1 << 20)).equals(alone)).toBe(true);
    expect((await packed(bytes, 5, 777)).equals(alone)).toBe(true);
    const together = await Promise.all(Array.from({ length: 20 }, () => packed(bytes)));
    expect(together.every((one) => one.equals(alone))).toBe(true);
  });

  it("is hardly larger than zlib's level 6", async () => {
    const bytes = textOf(4_000_000);
    expect((await packed(bytes, 6)).length).toBeLessThan(gzipSync(bytes, { level: 6 }).length * 1.025);
  });

  it("goes on after readers that left and sources that broke", async () => {
    const bytes = textOf(20 * BLOCK);
    async function* broken(): AsyncGenerator<Buffer> {
      yield bytes;
      throw new Error("the disk is gone");
    }
    for (let at = 0; at < 30; at += 1) {
      const reading = (async () => {
        for await (const piece of gzipInBlocks(broken(), 1)) expect(piece.length).toBeGreaterThan(0);
      })();
      await expect(reading).rejects.toThrow("the disk is gone");
      for await (const piece of gzipInBlocks(broken(), 1)) if (piece.length > 10) break;
    }
    expect(gunzipSync(await packed(bytes)).equals(bytes)).toBe(true);
  });
});
