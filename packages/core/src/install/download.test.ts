import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { collect } from "../base/streams.js";
import type { LocatedPackage } from "../catalog/locate-package.js";
import type { Store } from "../oci/store.js";
import { openLayout } from "../store/layout.js";
import { openLayer } from "./download.js";

const bytes = Buffer.alloc(900_000, "a layer");
const layer = { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length };

/** A layer that comes as `chunks` say. */
function located(chunks: () => Generator<Buffer>): LocatedPackage {
  const store = { open: async () => Readable.from(chunks()) } as unknown as Store;
  return { source: { store }, layer } as unknown as LocatedPackage;
}

async function withCache(check: (cache: Store, files: () => Promise<string[]>) => Promise<void>): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const cache = await openLayout(folder, { create: true });
    const files = async (): Promise<string[]> => [
      ...(await readdir(folder)).filter((name) => name.endsWith(".tmp")),
      ...(await readdir(join(folder, "blobs", "sha256"))),
    ];
    await check(cache, files);
  });
}

describe("a layer that the local cache lacks", () => {
  it("goes into it on the way, the same for both who read it", async () => {
    await withCache(async (cache) => {
      const source = located(function* () {
        for (let at = 0; at < bytes.length; at += 300_000) yield Buffer.from(bytes.subarray(at, at + 300_000));
      });
      const { stream, cached, fetched } = await openLayer(source, cache, () => {}, {});
      expect((await collect(stream, bytes.length, "it")).equals(bytes)).toBe(true);
      await cached;
      expect(fetched).toBe(true);
      const again = await openLayer(source, cache, () => {}, {});
      expect(again.fetched).toBe(false);
      expect((await collect(again.stream, bytes.length, "it")).equals(bytes)).toBe(true);
    });
  });

  it("is not kept, nor any part of it, where its source finds at the end that it is another", async () => {
    await withCache(async (cache, files) => {
      const failure = new SpkociError("DIGEST_MISMATCH", "the layer is another");
      const source = located(function* () {
        yield bytes;
        throw failure;
      });
      const { stream, cached } = await openLayer(source, cache, () => {}, {});
      const outcomes = await Promise.allSettled([collect(stream, bytes.length, "it"), cached]);
      expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason)).toEqual([failure, failure]);
      expect(await cache.has(layer)).toBe(false);
      expect(await files()).toEqual([]);
    });
  });

  it("is not kept where its reader leaves half-way", async () => {
    await withCache(async (cache, files) => {
      const source = located(function* () {
        for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
      });
      const { stream, cached } = await openLayer(source, cache, () => {}, {});
      stream.once("data", () => stream.destroy());
      await expect(cached).rejects.toThrow();
      expect(await files()).toEqual([]);
    });
  });
});
