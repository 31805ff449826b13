import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { readSecret } from "./prompt.js";

describe("readSecret", () => {
  it.each([
    [["sec", "ret\n"], "secret"],
    [["secret\r\n"], "secret"],
    [[" two\nlines \n\n"], " two\nlines \n"],
    [[], ""],
  ])("reads %j", async (chunks, secret) => {
    expect(await readSecret(Readable.from(chunks))).toBe(secret);
  });

  it("refuses what is too long for a password", async () => {
    await expect(readSecret(Readable.from([Buffer.alloc(70_000, "x")]))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
