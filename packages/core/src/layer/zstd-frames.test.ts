import * as zlib from "node:zlib";
import { seededBytes } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { BlockBudget } from "./parallel-blocks.js";
import { ZSTD_BLOCK, zstdInFrames } from "./zstd-frames.js";

const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (bytes: Buffer) => Buffer };

/** Half of it repeats itself, half does not shrink. */
const CONTENT = Buffer.concat([
  Buffer.from("a line of text that comes again\n".repeat(150_000)),
  seededBytes("noise", 2 * ZSTD_BLOCK + 17),
]);

async function* blocksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += ZSTD_BLOCK) yield bytes.subarray(at, at + ZSTD_BLOCK);
}

async function packed(budget: BlockBudget, release: (block: Buffer) => void = () => {}): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of zstdInFrames(blocksOf(CONTENT), 3, budget, release)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe("zstdInFrames", () => {
  if (zstdDecompressSync) compressesTheSameOnAnyNumberOfThreads(zstdDecompressSync);
  else {
    it("is refused with a hint by a Node without zstd", () => {
      expect(() => zstdInFrames(blocksOf(CONTENT), 3, { spareBytes: 0 }, () => {})).toThrow(
        expect.objectContaining({ code: "UNSUPPORTED_COMPRESSION", hint: expect.stringContaining("22.15") }),
      );
    });
  }
});

function compressesTheSameOnAnyNumberOfThreads(decompress: (bytes: Buffer) => Buffer): void {
  it("gives the same bytes however many blocks and streams are under way", async () => {
    const alone = await packed({ spareBytes: 0 });
    expect(decompress(alone).equals(CONTENT)).toBe(true);
    const shared = { spareBytes: 3 * ZSTD_BLOCK };
    const several = await Promise.all([packed({ spareBytes: 1 << 30 }), packed(shared), packed(shared)]);
    for (const each of several) expect(each.equals(alone)).toBe(true);
    expect(shared.spareBytes).toBe(3 * ZSTD_BLOCK);
  });

  it("compresses several blocks at once, and lets go of each when it is compressed", async () => {
    const released: Buffer[] = [];
    let seen = 0;
    let most = 0;
    async function* counted(): AsyncGenerator<Buffer> {
      for await (const block of blocksOf(CONTENT)) {
        seen += 1;
        most = Math.max(most, seen - released.length);
        yield block;
      }
    }
    const pieces: Buffer[] = [];
    const frames = zstdInFrames(counted(), 3, { spareBytes: 3 * ZSTD_BLOCK }, (block) => released.push(block));
    for await (const piece of frames) pieces.push(piece);
    expect(most).toBeGreaterThan(2);
    expect(released).toHaveLength(Math.ceil(CONTENT.length / ZSTD_BLOCK));
    expect(pieces).toHaveLength(released.length);
  });
}
