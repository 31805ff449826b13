import { Readable } from "node:stream";
import type { BlobSource, Store } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import { blobOfBytes, type CountedBlob, seededBlob, seededBytes } from "../random.js";
import { expectContent } from "./expect-content.js";
import type { CurrentStore, StoreUnderTest } from "./store-under-test.js";

const MIB = 1024 * 1024;

/** Wrong bytes, broken sources and aborts: nothing of them stays. */
export function describeFailures(current: CurrentStore): void {
  describe("blobs that fail", () => {
    const good = seededBlob("good", 300 * 1024);
    const wrong: readonly (readonly [string, Buffer, string])[] = [
      ["of another digest", seededBytes("other", 300 * 1024), "DIGEST_MISMATCH"],
      ["with a byte too few", good.bytes.subarray(1), "SIZE_MISMATCH"],
      ["with a byte too many", Buffer.concat([good.bytes, Buffer.from("x")]), "SIZE_MISMATCH"],
      ["that is empty", Buffer.alloc(0), "SIZE_MISMATCH"],
      ["much too long", seededBytes("long", 4 * MIB), "SIZE_MISMATCH"],
    ];

    it.each(wrong)("refuses content %s and leaves nothing", async (_what, bytes, code) => {
      const test = current();
      const bad: BlobSource = { descriptor: good.descriptor, open: blobOfBytes(bytes).open };
      await leavesNothing(test, good, () => expect(test.store.put(bad)).rejects.toMatchObject({ code }));
    });

    it("refuses content for the digest of nothing", async () => {
      const test = current();
      const empty = blobOfBytes(Buffer.alloc(0));
      const bad: BlobSource = { descriptor: empty.descriptor, open: blobOfBytes(Buffer.from("x")).open };
      await leavesNothing(test, empty, () =>
        expect(test.store.put(bad)).rejects.toMatchObject({ code: "SIZE_MISMATCH" }),
      );
    });

    it("fails with the error of a source that can't be opened", async () => {
      const test = current();
      const bad: BlobSource = { descriptor: good.descriptor, open: () => Promise.reject(new Error("no such source")) };
      await leavesNothing(test, good, () => expect(test.store.put(bad)).rejects.toThrow("no such source"));
    });

    it("fails with the error of a source that breaks off", async () => {
      const test = current();
      const bad: BlobSource = { descriptor: good.descriptor, open: async () => breakingOff(good.bytes) };
      await leavesNothing(test, good, () => expect(test.store.put(bad)).rejects.toThrow("the source broke"));
    });

    it("tells all who share a transfer when it fails, and opens the source anew for the next", async () => {
      const { store } = current();
      let opens = 0;
      const flaky: BlobSource = {
        descriptor: good.descriptor,
        open: async () => {
          opens += 1;
          return opens === 1 ? breakingOff(good.bytes) : good.open();
        },
      };
      const outcomes = await Promise.allSettled([store.put(flaky), store.put(flaky)]);
      expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      await store.put(flaky);
      await expectContent(store, good);
    });
  });

  describe("aborts", () => {
    it("reject with the reason before anything is done", async () => {
      const { store } = current();
      const op = { signal: AbortSignal.abort(new Error("stopped before")) };
      const blob = seededBlob("never", 10);
      await expect(store.put(blob, op)).rejects.toThrow("stopped before");
      await expect(store.has(blob.descriptor, op)).rejects.toThrow("stopped before");
      await expect(store.resolve("v1", op)).rejects.toThrow("stopped before");
      expect(blob.opens).toBe(0);
    });

    it("in the middle of a put reject with the reason and leave nothing", async () => {
      const test = current();
      const blob = seededBlob("aborted", 3 * MIB);
      const stop = new AbortController();
      const source = stallingAfter(blob, MIB, () => stop.abort(new Error("stopped in the middle")));
      await leavesNothing(test, blob, () =>
        expect(test.store.put(source, { signal: stop.signal })).rejects.toThrow("stopped in the middle"),
      );
      await test.store.put(blob);
      expect(await test.store.has(blob.descriptor)).toBe(true);
    });

    it("of one caller do not fail another who puts the same blob", async () => {
      const { store } = current();
      const blob = seededBlob("shared", 2 * MIB);
      const stop = new AbortController();
      const stalled = stallingAfter(blob, MIB, () => stop.abort(new Error("only me")));
      const [leaving, staying] = await Promise.allSettled([
        store.put(stalled, { signal: stop.signal }),
        store.put(blob),
      ]);
      expect(leaving).toMatchObject({ status: "rejected", reason: { message: "only me" } });
      expect(staying.status).toBe("fulfilled");
      await expectContent(store, blob);
    });

    it("of one who waits for another's transfer do not wait for it", async () => {
      const { store } = current();
      const blob = seededBlob("waiting", 2 * MIB);
      const stop = new AbortController();
      let goOn: () => void = () => {};
      const stalled = stallingAfter(blob, MIB, (resume) => {
        goOn = resume;
        stop.abort(new Error("no time"));
      });
      const first = store.put(stalled);
      await expect(store.put(blob, { signal: stop.signal })).rejects.toThrow("no time");
      goOn();
      await first;
      await expectContent(store, blob);
    });

    it("in the middle of reading end the stream with the reason", async () => {
      const { store } = current();
      const blob = seededBlob("read", 3 * MIB);
      await store.put(blob);
      const stop = new AbortController();
      const reading = async (): Promise<void> => {
        for await (const _piece of await store.open(blob.descriptor, { signal: stop.signal })) {
          stop.abort(new Error("read enough"));
        }
      };
      await expect(reading()).rejects.toThrow("read enough");
    });
  });
}

async function leavesNothing(test: StoreUnderTest, blob: CountedBlob, fail: () => Promise<unknown>): Promise<void> {
  const before = await test.contents?.();
  await fail();
  expect(await test.contents?.()).toEqual(before);
  await hasNot(test.store, blob);
  await hasNot(await test.reopen(), blob);
}

async function hasNot(store: Store, blob: CountedBlob): Promise<void> {
  expect(await store.has(blob.descriptor)).toBe(false);
  await expect(store.open(blob.descriptor)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
}

function breakingOff(bytes: Buffer): Readable {
  const pieces = function* (): Iterable<Buffer> {
    yield bytes.subarray(0, 70_000);
    throw new Error("the source broke");
  };
  return Readable.from(pieces(), { objectMode: false });
}

/** The blob, of which no more comes after `count` bytes until the function given to `stalled` is called. */
function stallingAfter(blob: CountedBlob, count: number, stalled: (resume: () => void) => void): BlobSource {
  const pieces = async function* (): AsyncIterable<Buffer> {
    yield blob.bytes.subarray(0, count);
    await new Promise<void>((resolve) => stalled(resolve));
    yield blob.bytes.subarray(count);
  };
  return { descriptor: blob.descriptor, open: async () => Readable.from(pieces(), { objectMode: false }) };
}
