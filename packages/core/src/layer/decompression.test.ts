import { Readable } from "node:stream";
import * as zlib from "node:zlib";
import { rawTar, seededBytes } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { decompress } from "./decompression.js";

const tar = rawTar(
  { name: "file", content: seededBytes("content", 700_000) },
  { name: "text", content: "x".repeat(1e6) },
);
const zstd = (zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer }).zstdCompressSync;

async function read(layer: Buffer, pieceSize = 64 * 1024): Promise<Buffer> {
  const pieces = function* (): Iterable<Buffer> {
    for (let at = 0; at < layer.length; at += pieceSize) yield layer.subarray(at, at + pieceSize);
  };
  const chunks: Buffer[] = [];
  await decompress(Readable.from(pieces()), (plain) => chunks.push(Buffer.from(plain)));
  return Buffer.concat(chunks);
}

describe("decompress", () => {
  const gzip = zlib.gzipSync(tar);
  const members = Buffer.concat([zlib.gzipSync(tar.subarray(0, 99_999)), zlib.gzipSync(tar.subarray(99_999))]);

  it.each([
    ["a plain tar", tar],
    ["gzip", gzip],
    ["gzip of several members", members],
  ])("gives the tar of %s, however it is cut into pieces", async (_, layer) => {
    for (const size of [1009, 64 * 1024, layer.length]) expect((await read(layer, size)).equals(tar)).toBe(true);
    expect((await read(layer.subarray(0, 3000), 1).catch(() => tar.subarray(0, 3000))).length).toBeGreaterThan(0);
  });

  it.each([
    ["cut off", gzip.subarray(0, -100)],
    ["cut off in its header", gzip.subarray(0, 5)],
    ["changed", Buffer.concat([gzip.subarray(0, 1000), Buffer.alloc(1000), gzip.subarray(2000)])],
    ["of another checksum", Buffer.concat([gzip.subarray(0, -8), Buffer.alloc(4), gzip.subarray(-4)])],
    ["followed by zeros", Buffer.concat([gzip, Buffer.alloc(100_000)])],
    ["followed by something", Buffer.concat([gzip, Buffer.from("more")])],
  ])("refuses gzip that is %s", async (_, layer) => {
    for (const size of [1009, layer.length]) {
      await expect(read(layer, size)).rejects.toMatchObject({ message: expect.stringContaining("are damaged (") });
    }
  });

  it.each([
    ["xz", Buffer.from("fd377a585a00", "hex")],
    ["a zip", Buffer.from("PK\x03\x04")],
    ["text", Buffer.from("{}")],
  ])("refuses %s", async (_, layer) => {
    await expect(read(layer)).rejects.toMatchObject({ message: "it is neither gzip nor zstd nor a tar" });
  });

  it("throws the source's failure, and closes the source when its taker fails", async () => {
    const failure = Object.assign(new Error("lost"), { code: "ECONNRESET" });
    for (const layer of [tar, gzip]) {
      const broken = Readable.from([layer.subarray(0, 100_000)]);
      broken.once("data", () => broken.destroy(failure));
      await expect(decompress(broken, () => {})).rejects.toBe(failure);
      const source = Readable.from([layer.subarray(0, 100_000), layer.subarray(100_000)]);
      const refuse = (): void => {
        throw failure;
      };
      await expect(decompress(source, refuse)).rejects.toBe(failure);
      expect(source.destroyed).toBe(true);
    }
  });

  it(zstd ? "gives the tar of zstd, of one frame or many" : "says which Node has zstd", async () => {
    if (!zstd) {
      const layer = Buffer.concat([Buffer.from("28b52ffd", "hex"), Buffer.alloc(1000)]);
      await expect(read(layer)).rejects.toMatchObject({
        code: "UNSUPPORTED_COMPRESSION",
        hint: expect.stringContaining("22.15"),
      });
      return;
    }
    const skippable = Buffer.concat([Buffer.from("502a4d1803000000", "hex"), Buffer.from("xyz")]);
    const parts = [0, 1000, 1001, 800_000, tar.length].map((end, i, ends) => tar.subarray(ends[i - 1] ?? 0, end));
    const frames = Buffer.concat([...parts.map((part) => zstd(part)), skippable]);
    for (const layer of [zstd(tar), frames]) {
      for (const size of [1009, 64 * 1024, layer.length]) expect((await read(layer, size)).equals(tar)).toBe(true);
    }
    const whole = zstd(tar);
    const changed = Buffer.concat([whole.subarray(0, -30), Buffer.alloc(30, 0xff)]);
    for (const layer of [Buffer.concat([whole, Buffer.from("more than that")]), changed]) {
      await expect(read(layer)).rejects.toMatchObject({ message: expect.stringContaining("damaged") });
    }
  });
});
