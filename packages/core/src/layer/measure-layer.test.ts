import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { measureLayer } from "./measure-layer.js";

describe("measureLayer", () => {
  it("counts what all members of a gzip file hold", async () => {
    const members = [gzipSync(Buffer.alloc(70_000)), gzipSync(Buffer.alloc(5))];
    expect(await measureLayer(Readable.from([Buffer.concat(members)]), "it")).toBe(70_005);
  });

  it("names a layer that is damaged", async () => {
    const bytes = gzipSync(Buffer.alloc(1000, "abc")).subarray(0, 20);
    await expect(measureLayer(Readable.from([bytes]), "layer 7")).rejects.toMatchObject({
      code: "ARCHIVE_REFUSED",
      message: expect.stringContaining("layer 7"),
    });
  });
});
