import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { digestOf, isDigest, mayBeDigest } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import { blobOfBytes, seededBlob } from "../random.js";
import { expectContent } from "./expect-content.js";
import type { CurrentStore } from "./store-under-test.js";

const KIB = 1024;
const SIZES = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 5 * KIB * KIB + 3];

/** Blobs that come whole and are read again. */
export function describeBlobs(current: CurrentStore): void {
  describe("blobs", () => {
    it.each(SIZES)("checklist 35: gives back the %i bytes it took, to others too", async (size) => {
      const { store, reopen } = current();
      const blob = seededBlob("round trip", size);
      expect(await store.has(blob.descriptor)).toBe(false);
      await store.put(blob);
      expect(await store.has(blob.descriptor)).toBe(true);
      await expectContent(store, blob);
      const other = await reopen();
      expect(await other.has(blob.descriptor)).toBe(true);
      await expectContent(other, blob);
    });

    it("checklist 3: takes and gives content that is named by its sha512, and verifies it", async () => {
      const { store, reopen } = current();
      const { bytes, descriptor: named, open } = seededBlob("sha512", 70 * KIB);
      const algorithm = `sha512:${"0".repeat(128)}`;
      if (!isDigest(algorithm)) throw new Error("sha512 is no digest");
      const descriptor = { ...named, digest: digestOf(bytes, algorithm) };
      await expect(store.put({ descriptor: { ...descriptor, digest: algorithm }, open })).rejects.toMatchObject({
        code: "DIGEST_MISMATCH",
      });
      expect(await store.has(descriptor)).toBe(false);
      await store.put({ descriptor, open });
      const other = await reopen();
      expect(await other.has(descriptor)).toBe(true);
      expect((await buffer(await other.open(descriptor))).equals(bytes)).toBe(true);
    });

    it("checklist 3: has no content under a digest of an unknown algorithm, and neither takes nor looks for any", async () => {
      const { store } = current();
      const { bytes, descriptor: named } = seededBlob("unknown algorithm", 20);
      const text = `md5:${createHash("md5").update(bytes).digest("hex")}`;
      if (!mayBeDigest(text)) throw new Error("it can't stand in a document");
      const descriptor = { ...named, digest: text };
      const refusal = { code: "DOCUMENT_INVALID", message: expect.stringContaining("no digest algorithm md5") };
      expect(await store.has(descriptor)).toBe(false);
      await expect(store.open(descriptor)).rejects.toMatchObject(refusal);
      const unread = async (): Promise<never> => expect.unreachable("the source was read");
      await expect(store.put({ descriptor, open: unread })).rejects.toMatchObject(refusal);
      if (store.mount) await expect(store.mount(descriptor, "other/repository")).rejects.toMatchObject(refusal);
    });

    it("takes a blob that comes in pieces of one byte", async () => {
      const { store } = current();
      const blob = blobOfBytes(Buffer.from("byte by byte"), "text/plain", 1);
      await store.put(blob);
      expect((await buffer(await store.open(blob.descriptor))).toString()).toBe("byte by byte");
    });

    it("opens a blob for several readers at once", async () => {
      const { store } = current();
      const blob = seededBlob("readers", 300 * KIB);
      await store.put(blob);
      const streams = await Promise.all([1, 2, 3].map(() => store.open(blob.descriptor)));
      for (const bytes of await Promise.all(streams.map((stream) => buffer(stream))))
        expect(bytes.equals(blob.bytes)).toBe(true);
    });

    it("can be asked again after a reader stopped in the middle", async () => {
      const { store } = current();
      const blob = seededBlob("half read", 2 * KIB * KIB);
      await store.put(blob);
      for await (const _piece of await store.open(blob.descriptor)) break;
      await expectContent(store, blob);
    });

    it("says that an absent blob is absent, and fails to open it with BLOB_NOT_FOUND", async () => {
      const { store } = current();
      const { descriptor } = seededBlob("absent", 10);
      expect(await store.has(descriptor)).toBe(false);
      await expect(store.open(descriptor)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
    });

    it("does not have a blob under another size than its own", async () => {
      const { store } = current();
      const blob = seededBlob("size", 100);
      await store.put(blob);
      expect(await store.has({ ...blob.descriptor, size: 99 })).toBe(false);
    });

    it("fails while reading if the size asked for is not that of the blob", async () => {
      const { store } = current();
      const blob = seededBlob("size", 100);
      await store.put(blob);
      for (const size of [99, 101]) {
        const reading = store.open({ ...blob.descriptor, size }).then(buffer);
        await expect(reading).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
      }
    });

    it("does not read the source of a blob that it has", async () => {
      const { store, reopen } = current();
      const blob = seededBlob("twice", 100 * KIB);
      await store.put(blob);
      await store.put(blob);
      await (await reopen()).put(blob);
      expect(blob.opens).toBe(1);
    });

    it("checklist 35: shares one transfer among callers that put the same blob at the same time", async () => {
      const { store } = current();
      const blob = seededBlob("together", 1 * KIB * KIB);
      await Promise.all([store.put(blob), store.put(blob), store.put(blob)]);
      expect(blob.opens).toBe(1);
      await expectContent(store, blob);
    });

    it("takes many different blobs at the same time", async () => {
      const { store, reopen } = current();
      const blobs = Array.from({ length: 12 }, (_, index) => seededBlob(`many ${index}`, 1000 * index));
      await Promise.all(blobs.map((blob) => store.put(blob)));
      const other = await reopen();
      for (const blob of blobs)
        expect(digestOf(await buffer(await other.open(blob.descriptor)))).toBe(blob.descriptor.digest);
    });
  });
}
