import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { measureLayer } from "./measure-layer.js";

describe("measureLayer", () => {
  it("counts what all members of a gzip file hold", async () => {
    const members = [gzipSync(Buffer.alloc(70_000)), gzipSync(Buffer.alloc(5))];
    const read: number[] = [];
    const size = await measureLayer(Readable.from(members), "it", (bytes) => read.push(bytes));
    expect(size).toBe(70_005);
    expect(read).toEqual(members.map(({ length }) => length));
  });

  it("names a layer that is damaged", async () => {
    const bytes = gzipSync(Buffer.alloc(1000, "abc")).subarray(0, 20);
    await expect(measureLayer(Readable.from([bytes]), "layer 7", () => {})).rejects.toMatchObject({
      code: "ARCHIVE_REFUSED",
      message: expect.stringContaining("layer 7"),
    });
  });
});
