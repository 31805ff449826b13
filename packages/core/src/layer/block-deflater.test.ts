import { randomBytes } from "node:crypto";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { BlockDeflater } from "./block-deflater.js";

const ROOM = 64 * 1024;
/** An empty last block. */
const END = Buffer.from("0300", "hex");

const textOf = (size: number, seed = 1): Buffer => {
  const bytes = Buffer.alloc(size);
  for (let at = 0, x = seed; at < size; at += 1) {
    x = (x * 1103515245 + 12345) % 2 ** 31;
    bytes[at] = 97 + ((x >> 16) % 7);
  }
  return bytes;
};

describe("BlockDeflater", () => {
  it.each([
    { what: "nothing", block: Buffer.alloc(0) },
    { what: "a byte", block: Buffer.from("a") },
    { what: "text", block: textOf(100_000) },
    { what: "what takes more room than there is", block: randomBytes(200_000) },
    { what: "what takes exactly the room", block: randomBytes(ROOM - 15) },
  ])("gives the bytes of zlib in one go, of $what", async ({ block }) => {
    for (const level of [1, 4, 5, 9]) {
      const deflated = await new BlockDeflater(ROOM).deflate(block, level, undefined);
      const finishFlush = constants.Z_SYNC_FLUSH;
      expect(deflated.equals(deflateRawSync(block, { level, memLevel: 9, finishFlush }))).toBe(true);
      expect(inflateRawSync(Buffer.concat([deflated, END])).equals(block)).toBe(true);
    }
  });

  it("goes on from a dictionary", async () => {
    const [before, block] = [textOf(32 * 1024), textOf(40_000)];
    const deflater = new BlockDeflater(ROOM);
    const alone = await deflater.deflate(block, 5, undefined);
    const after = await deflater.deflate(block, 5, before);
    expect(after.length).toBeLessThan(alone.length / 2);
    expect(inflateRawSync(Buffer.concat([after, END]), { dictionary: before }).equals(block)).toBe(true);
  });

  it("uses released memory again, and only that", async () => {
    const deflater = new BlockDeflater(ROOM);
    const first = await deflater.deflate(textOf(50_000, 1), 5, undefined);
    const second = await deflater.deflate(textOf(50_000, 2), 5, undefined);
    const kept = Buffer.from(second);
    expect(second.buffer).not.toBe(first.buffer);
    deflater.release(first);
    const third = await deflater.deflate(textOf(50_000, 3), 5, undefined);
    expect(third.buffer).toBe(first.buffer);
    expect(second.equals(kept)).toBe(true);
    deflater.release(third);
    const large = await deflater.deflate(randomBytes(200_000), 5, undefined);
    expect(large.length).toBeGreaterThan(200_000);
    deflater.release(large);
    expect((await deflater.deflate(textOf(50_000, 4), 5, undefined)).buffer).toBe(first.buffer);
  });

  it("deflates many blocks at once", async () => {
    const deflater = new BlockDeflater(ROOM);
    const blocks = Array.from({ length: 40 }, (_, at) => textOf(30_000 + at, at + 1));
    const deflated = await Promise.all(blocks.map((block) => deflater.deflate(block, 5, undefined)));
    deflated.forEach((each, at) => {
      expect(inflateRawSync(Buffer.concat([each, END])).equals(blocks[at] as Buffer)).toBe(true);
    });
  });
});
