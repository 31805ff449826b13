import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, it } from "vitest";
import { digestOf } from "./digest.js";
import { collect, counting, inBatches, readableOf, verified, verifyBytes, verifying } from "./streams.js";

const content = Buffer.from("some content");
const expected = { digest: digestOf(content), size: content.length };

async function verify(bytes: Uint8Array, want = expected): Promise<string> {
  const parts: Buffer[] = [];
  await pipeline(readableOf(bytes), verifying(want, "blob x"), async (source) => {
    for await (const chunk of source) parts.push(chunk as Buffer);
  });
  return Buffer.concat(parts).toString();
}

describe("verifying", () => {
  it("passes the right content on", async () => {
    expect(await verify(content)).toBe("some content");
  });

  it("fails with SIZE_MISMATCH when bytes are missing", async () => {
    await expect(verify(content.subarray(1))).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
  });

  it("fails with SIZE_MISMATCH before it passes on more bytes than promised", async () => {
    const seen: Buffer[] = [];
    const run = pipeline(
      Readable.from([content, Buffer.from("more")]),
      verifying(expected, "blob x"),
      async (source) => {
        for await (const chunk of source) seen.push(chunk as Buffer);
      },
    );
    await expect(run).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
    expect(Buffer.concat(seen).length).toBeLessThanOrEqual(content.length);
  });

  it("fails with DIGEST_MISMATCH for other content of the same size", async () => {
    await expect(verify(Buffer.from("same length!"))).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  it("checks bytes in memory the same way", () => {
    expect(() => verifyBytes(content, expected, "x")).not.toThrow();
    expect(() => verifyBytes(Buffer.from("same length!"), expected, "x")).toThrow(/should have digest/);
  });
});

describe("verified", () => {
  it("passes the right content on and fails for a wrong one", async () => {
    expect(await collect(verified(readableOf(content), expected, "x"), 100, "x")).toEqual(content);
    const wrong = verified(readableOf(Buffer.from("same length!")), expected, "x");
    await expect(collect(wrong, 100, "x")).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  it("fails with the source's own error", async () => {
    const source = new Readable({ read: () => {} });
    const reading = collect(verified(source, expected, "x"), 100, "x");
    source.destroy(new Error("connection lost"));
    await expect(reading).rejects.toThrow("connection lost");
  });

  it("fails with an abort's reason and closes the source", async () => {
    const stop = new AbortController();
    const source = new Readable({ read: () => {} });
    const reading = collect(verified(source, expected, "x", stop.signal), 100, "x");
    stop.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
    expect(source.destroyed).toBe(true);
  });

  it("closes the source when its reader stops early", async () => {
    const source = Readable.from([content, content]);
    const stream = verified(source, expected, "x");
    stream.destroy();
    await new Promise((resolve) => source.once("close", resolve));
    expect(source.destroyed).toBe(true);
  });
});

describe("collect", () => {
  it("reads a document", async () => {
    expect((await collect(readableOf(content), 100, "x")).toString()).toBe("some content");
  });

  it("stops at its limit and closes the stream", async () => {
    const stream = Readable.from([content, content, content]);
    await expect(collect(stream, 20, "the index")).rejects.toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
    expect(stream.destroyed).toBe(true);
  });

  it("fails for a stream that has failed or was closed before", async () => {
    for (const [error, told] of [
      [new Error("broken"), { message: "broken" }],
      [undefined, { code: "ERR_STREAM_PREMATURE_CLOSE" }],
    ] as const) {
      const stream = readableOf(content).on("error", () => {});
      const closed = once(stream, "close").catch(() => {});
      stream.destroy(error);
      await closed;
      await expect(collect(stream, 100, "x")).rejects.toMatchObject(told);
    }
  });
});

describe("inBatches", () => {
  async function batches(chunks: readonly string[], size: number): Promise<string[]> {
    const found: string[] = [];
    for await (const batch of inBatches(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), size)) {
      found.push(batch.toString());
    }
    return found;
  }

  it("joins chunks up to the size, and ends with the rest", async () => {
    expect(await batches(["a", "bc", "defgh", "i", "j"], 3)).toEqual(["abc", "defgh", "ij"]);
    expect(await batches(["abc"], 3)).toEqual(["abc"]);
    expect(await batches([], 3)).toEqual([]);
  });

  it("ends the stream when its reader stops, and fails as it does", async () => {
    const stream = Readable.from([Buffer.from("abc"), Buffer.from("def")]);
    for await (const _ of inBatches(stream, 1)) break;
    expect(stream.destroyed).toBe(true);
    const failing = Readable.from([Buffer.from("abc")]);
    failing.destroy(new Error("cut"));
    await expect(inBatches(failing, 1).next()).rejects.toThrow("cut");
  });
});

describe("counting", () => {
  it("reports every byte once", async () => {
    let bytes = 0;
    await pipeline(
      Readable.from([content, content]),
      counting((more) => {
        bytes += more;
      }),
      async (source) => {
        for await (const _ of source);
      },
    );
    expect(bytes).toBe(content.length * 2);
  });
});
