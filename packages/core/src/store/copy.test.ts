import { seededBlob } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { BlobSource } from "../oci/store.js";
import { copyBlob } from "./copy.js";
import { MemoryStore } from "./memory.js";

describe("copyBlob", () => {
  it("sends what the target lacks and tells how many bytes that was", async () => {
    const [from, to] = [new MemoryStore("from"), new MemoryStore("to")];
    const blob = seededBlob("copy", 200_000);
    await from.put(blob);
    expect(await copyBlob(from, to, blob.descriptor)).toBe(200_000);
    expect(await to.has(blob.descriptor)).toBe(true);
    expect(await copyBlob(from, to, blob.descriptor)).toBe(0);
  });

  it("does not ask the source for what the target has", async () => {
    const to = new MemoryStore("to");
    const blob = seededBlob("there", 10);
    await to.put(blob);
    expect(await copyBlob(new MemoryStore("empty"), to, blob.descriptor)).toBe(0);
  });

  it("fails with BLOB_NOT_FOUND if neither has the blob", async () => {
    const copying = copyBlob(new MemoryStore("from"), new MemoryStore("to"), seededBlob("nowhere", 10).descriptor);
    await expect(copying).rejects.toMatchObject({ code: "BLOB_NOT_FOUND", message: expect.stringContaining("from") });
  });

  it("gives a target that tries again a new stream", async () => {
    const from = new MemoryStore("from");
    const blob = seededBlob("again", 100_000);
    await from.put(blob);
    class Flaky extends MemoryStore {
      override async put(source: BlobSource): Promise<void> {
        (await source.open()).destroy();
        await super.put(source);
      }
    }
    const to = new Flaky("to");
    expect(await copyBlob(from, to, blob.descriptor)).toBe(100_000);
    expect(await to.has(blob.descriptor)).toBe(true);
  });
});
