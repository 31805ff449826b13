import { createHash } from "node:crypto";
import * as zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { BLOCK_SIZES, type CompressionSettings, compress, compressionSettings } from "./compression.js";

async function packed(bytes: Buffer, settings: CompressionSettings): Promise<Buffer> {
  const size = BLOCK_SIZES[settings.compression];
  async function* blocks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of compress(blocks(), settings, { spareBytes: 4 * size }, () => {}))
    chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Words of bytes without order, which come in no order. */
function spreadWords(): Buffer {
  const digests = Array.from({ length: 20_000 }, (_, at) => createHash("sha256").update(String(at)).digest());
  return Buffer.concat(digests.map((digest) => (digests[digest.readUInt16LE(0) % 500] as Buffer).subarray(0, 6)));
}

const text = Buffer.from("some text that compresses, ".repeat(20_000));

describe("gzip", () => {
  it.each([1, 6, 9])("has Spack's header at level %i and unpacks to what went in", async (level) => {
    const result = await packed(text, compressionSettings("gzip", level));
    expect(result.subarray(0, 10).toString("hex")).toBe("1f8b08000000000000ff");
    expect(zlib.gunzipSync(result).equals(text)).toBe(true);
  });

  it("uses the level that it is told for all blocks, and unless told the one that suits a block", async () => {
    const spread = spreadWords();
    const [usual, four, five] = await Promise.all(
      [undefined, 4, 5].map((level) => packed(spread, compressionSettings("gzip", level))),
    );
    expect(usual).toEqual(four);
    expect(usual).not.toEqual(five);
    expect(await packed(text, compressionSettings("gzip"))).toEqual(await packed(text, compressionSettings("gzip", 5)));
  });
});

describe("zstd", () => {
  it("unpacks to what went in where Node has zstd, and is refused with a hint elsewhere", async () => {
    const decompress = (zlib as { zstdDecompressSync?: (bytes: Buffer) => Buffer }).zstdDecompressSync;
    if (decompress) {
      expect(await packed(text, compressionSettings("zstd"))).toEqual(
        await packed(text, compressionSettings("zstd", 3)),
      );
      const result = await packed(text, compressionSettings("zstd", 19));
      expect(result.length).toBeLessThan(text.length / 100);
      expect(decompress(result).equals(text)).toBe(true);
    } else {
      const refused = { code: "UNSUPPORTED_COMPRESSION", hint: expect.stringMatching(/22\.15.*gzip/) };
      expect(() => compressionSettings("zstd")).toThrow(expect.objectContaining(refused));
    }
  });
});

describe("compressionSettings", () => {
  it.each([
    ["gzip", 0],
    ["gzip", 10],
    ["gzip", 1.5],
    ["gzip", Number.NaN],
    ["zstd", 0],
    ["zstd", 20],
  ] as const)("refuses %s at level %d", (compression, level) => {
    expect(() => compressionSettings(compression, level)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });
});
