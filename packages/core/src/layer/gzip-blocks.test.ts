import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gzipInBlocks } from "./gzip-blocks.js";
import type { BlockBudget } from "./parallel-blocks.js";

const BLOCK = 1024 * 1024;

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

async function* blocksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += BLOCK) yield bytes.subarray(at, at + BLOCK);
}

async function packed(bytes: Buffer, level = 5, budget: BlockBudget = { spareBytes: 4 * BLOCK }): Promise<Buffer> {
  const result: Buffer[] = [];
  for await (const piece of gzipInBlocks(blocksOf(bytes), level, budget, () => {})) result.push(Buffer.from(piece));
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

  it("gives the same bytes however many blocks and streams are under way", async () => {
    const bytes = textOf(3 * BLOCK + 5);
    const alone = await packed(bytes);
    for (const spareBytes of [0, BLOCK, 100 * BLOCK]) {
      expect((await packed(bytes, 5, { spareBytes })).equals(alone)).toBe(true);
    }
    const budget = { spareBytes: 3 * BLOCK };
    const together = await Promise.all(Array.from({ length: 20 }, () => packed(bytes, 5, budget)));
    expect(together.every((one) => one.equals(alone))).toBe(true);
    expect(budget.spareBytes).toBe(3 * BLOCK);
  });

  it("lets go of a block only when it is compressed: its memory may be used again", async () => {
    const bytes = textOf(10 * BLOCK + 5);
    const release = (block: Buffer): unknown => block.fill(0);
    const result: Buffer[] = [];
    for await (const piece of gzipInBlocks(blocksOf(Buffer.from(bytes)), 5, { spareBytes: 4 * BLOCK }, release)) {
      result.push(Buffer.from(piece));
    }
    expect(gunzipSync(Buffer.concat(result)).equals(bytes)).toBe(true);
  });

  it("uses the memory of what it gave again, so that many blocks take no more than those under way", async () => {
    const given = new Set<ArrayBufferLike>();
    for await (const piece of gzipInBlocks(blocksOf(textOf(20 * BLOCK)), 1, { spareBytes: 2 * BLOCK }, () => {})) {
      if (piece.length > 100) given.add(piece.buffer);
    }
    // Three under way, and the one that was given last.
    expect(given.size).toBeLessThanOrEqual(4);
  });

  it("is hardly larger than zlib's level 6", async () => {
    const bytes = textOf(4_000_000);
    expect((await packed(bytes, 6)).length).toBeLessThan(gzipSync(bytes, { level: 6 }).length * 1.025);
  });

  it("goes on after readers that left and sources that broke", async () => {
    const bytes = textOf(20 * BLOCK);
    const budget = { spareBytes: 4 * BLOCK };
    async function* broken(): AsyncGenerator<Buffer> {
      yield* blocksOf(bytes);
      throw new Error("the disk is gone");
    }
    for (let at = 0; at < 5; at += 1) {
      const reading = (async () => {
        for await (const piece of gzipInBlocks(broken(), 1, budget, () => {})) expect(piece.length).toBeGreaterThan(0);
      })();
      await expect(reading).rejects.toThrow("the disk is gone");
      for await (const piece of gzipInBlocks(broken(), 1, budget, () => {})) if (piece.length > 10) break;
    }
    expect(budget.spareBytes).toBe(4 * BLOCK);
  });
});
