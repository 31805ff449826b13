import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GrowingFile } from "./growing-file.js";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-growing-"));
  path = join(folder, "file");
  await writeFile(path, "one ");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("a growing file", () => {
  it("gives what is written, waits for more, and ends when it is whole", async () => {
    const file = new GrowingFile(path);
    const pieces: string[] = [];
    for await (const piece of file.open() as AsyncIterable<Buffer>) {
      pieces.push(piece.toString());
      if (pieces.length === 1) await appendFile(path, "two ").then(() => file.grew());
      if (pieces.length === 2) await appendFile(path, "three").then(() => file.end());
    }
    expect(pieces).toEqual(["one ", "two ", "three"]);
  });

  it("wakes a reader that waits", async () => {
    const file = new GrowingFile(path);
    const stream = file.open();
    const read = buffer(stream);
    await new Promise((resolve) => stream.once("data", resolve));
    await appendFile(path, "two");
    file.grew();
    file.end();
    expect((await read).toString()).toBe("one two");
  });

  it("is read from its first byte by each who opens it, also when it is whole", async () => {
    const file = new GrowingFile(path);
    const early = buffer(file.open());
    await appendFile(path, "x".repeat(700_000));
    file.end();
    const [first, second] = await Promise.all([early, buffer(file.open())]);
    expect(first.length).toBe(700_004);
    expect(second.equals(first)).toBe(true);
  });

  it("fails its readers with the writer's reason, also while they wait", async () => {
    const file = new GrowingFile(path);
    const stream = file.open();
    const read = buffer(stream);
    await new Promise((resolve) => stream.once("data", resolve));
    file.fail(new Error("no space"));
    await expect(read).rejects.toThrow("no space");
    await expect(buffer(file.open())).rejects.toThrow("no space");
  });

  it("fails a reader if there is no file", async () => {
    await expect(buffer(new GrowingFile(join(folder, "none")).open())).rejects.toMatchObject({ code: "ENOENT" });
  });
});
