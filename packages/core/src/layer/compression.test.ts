import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { type CompressionSettings, compressionSettings, createCompressor, withFixedHeader } from "./compression.js";

async function compress(bytes: Buffer, settings: CompressionSettings): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await pipeline(
    Readable.from([bytes], { objectMode: false }),
    createCompressor(settings),
    async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of withFixedHeader(source, settings)) chunks.push(chunk);
    },
  );
  return Buffer.concat(chunks);
}

const text = Buffer.from("some text that compresses, ".repeat(20_000));

describe("gzip", () => {
  it.each([1, 6, 9])("has Spack's header at level %i and unpacks to what went in", async (level) => {
    const packed = await compress(text, compressionSettings("gzip", level));
    expect(packed.subarray(0, 10).toString("hex")).toBe("1f8b08000000000000ff");
    expect(zlib.gunzipSync(packed).equals(text)).toBe(true);
  });

  it("gets its header in chunks of any size", async () => {
    const packed = zlib.gzipSync(text);
    const settings = compressionSettings("gzip");
    const source = Readable.from([...packed].map((byte) => Buffer.of(byte)));
    const fixed: Buffer[] = [];
    for await (const chunk of withFixedHeader(source, settings)) fixed.push(chunk);
    expect(Buffer.concat(fixed).subarray(0, 12).toString("hex")).toBe(
      `1f8b08000000000000ff${packed.subarray(10, 12).toString("hex")}`,
    );
  });

  it("uses level 6 unless told", () => {
    expect(compressionSettings("gzip").level).toBe(6);
  });
});

describe("zstd", () => {
  it("unpacks to what went in where Node has zstd, and is refused with a hint elsewhere", async () => {
    const decompress = (zlib as { zstdDecompressSync?: (bytes: Buffer) => Buffer }).zstdDecompressSync;
    if (decompress) {
      expect(compressionSettings("zstd").level).toBe(3);
      const packed = await compress(text, compressionSettings("zstd", 19));
      expect(packed.length).toBeLessThan(text.length / 100);
      expect(decompress(packed).equals(text)).toBe(true);
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
