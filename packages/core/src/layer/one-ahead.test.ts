import { describe, expect, it } from "vitest";
import { oneAhead } from "./one-ahead.js";

describe("oneAhead", () => {
  it("asks for the next item while one is worked on, and for no more", async () => {
    const log: string[] = [];
    async function* source(): AsyncGenerator<number, void, undefined> {
      for (let at = 1; at <= 3; at += 1) {
        log.push(`make ${at}`);
        yield at;
      }
    }
    for await (const item of oneAhead(source())) {
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`use ${item}`);
    }
    expect(log).toEqual(["make 1", "make 2", "use 1", "make 3", "use 2", "use 3"]);
  });

  it("throws a failure when its turn comes, and ends the source when the reader leaves", async () => {
    let ended = 0;
    async function* source(): AsyncGenerator<number, void, undefined> {
      try {
        yield 1;
        throw new Error("broken");
      } finally {
        ended += 1;
      }
    }
    const items = oneAhead(source());
    expect((await items.next()).value).toBe(1);
    await expect(items.next()).rejects.toThrow("broken");
    for await (const _ of oneAhead(source())) break;
    expect(ended).toBe(2);
  });
});
