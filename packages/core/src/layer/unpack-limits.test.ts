import { describe, expect, it } from "vitest";
import { DEFAULT_UNPACK_LIMITS, SizeGuard, type UnpackLimits } from "./unpack-limits.js";

const MIB = 1024 * 1024;

async function* chunks(mebibytes: number): AsyncGenerator<Buffer> {
  const chunk = Buffer.alloc(MIB);
  for (let left = mebibytes; left > 0; left -= 1) yield chunk;
}

/** Reads `compressed` MiB that give `plain` MiB. */
async function pass(compressed: number, plain: number, limits: Partial<UnpackLimits> = {}): Promise<number> {
  const guard = new SizeGuard({ ...DEFAULT_UNPACK_LIMITS, ...limits });
  for await (const _ of guard.compressed(chunks(compressed)));
  for (let passed = 0; passed < plain; passed += 1) guard.countPlain(MIB);
  return plain;
}

describe("SizeGuard", () => {
  it("lets a GiB pass whatever it was compressed to, and a hundredfold of what was compressed", async () => {
    expect(await pass(1, 1024)).toBe(1024);
    expect(await pass(20, 2000)).toBe(2000);
  });

  it("refuses more than the ratio allows", async () => {
    await expect(pass(1, 1025)).rejects.toThrow("it has more than 100 bytes for each compressed one");
    await expect(pass(20, 2001)).rejects.toThrow("more than 100 bytes");
    await expect(pass(20, 1025, { maxRatio: 50 })).rejects.toThrow("more than 50 bytes");
  });

  it("refuses more bytes than allowed", async () => {
    expect(await pass(1, 5, { maxBytes: 5 * MIB })).toBe(5);
    await expect(pass(1, 6, { maxBytes: 5 * MIB })).rejects.toThrow("it has more than 5242880 bytes");
  });
});
