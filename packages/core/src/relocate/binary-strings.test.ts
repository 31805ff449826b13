import { describe, expect, it } from "vitest";
import { planBinaryStrings } from "./binary-strings.js";
import { applyEdits, bufferSource } from "./byte-source.js";
import { PrefixMap } from "./prefix-map.js";

const LONG = "/old/store/with/padding/zlib-1-abcdefg";

function relocated(content: string, newPath: string, oldPath = LONG): string {
  const bytes = Buffer.from(content);
  const plan = planBinaryStrings(bufferSource(bytes), new PrefixMap([[oldPath, newPath]]));
  expect(plan.unheld).toEqual([]);
  return applyEdits(bytes, plan.edits).toString();
}

describe("planBinaryStrings", () => {
  it("fills up a shorter path with slashes where the string's end is far", () => {
    const padding = "/".repeat(LONG.length - "/new/z".length);
    expect(relocated(`x${LONG}/lib/pkgconfig\0y`, "/new/z")).toBe(`x${padding}/new/z/lib/pkgconfig\0y`);
  });

  it("does so where the end is near too, if the last seven bytes stay", () => {
    const padding = "/".repeat(LONG.length - "/n/zlib-1-abcdefg".length);
    expect(relocated(`${LONG}\0`, "/n/zlib-1-abcdefg")).toBe(`${padding}/n/zlib-1-abcdefg\0`);
    expect(relocated(`${LONG}/lib\0`, "/n/zlib-1-abXdefg")).toBe(`${padding}/n/zlib-1-abXdefg/lib\0`);
  });

  it("ends a string early if that leaves its last seven bytes, as other strings may be stored there", () => {
    const after = relocated(`${LONG}/lib\0next`, "/new/other");
    expect(after.length).toBe(LONG.length + 9);
    expect(after.startsWith("/new/other/lib\0")).toBe(true);
    expect(after.endsWith(`${LONG.slice("/new/other/lib\0".length)}/lib\0next`)).toBe(true);
  });

  it("replaces a path that is as long", () => {
    const same = LONG.replace("old", "new");
    expect(relocated(`a${LONG}\0${LONG}/x`, same)).toBe(`a${same}\0${same}/x`);
  });

  it("reports a string that is too short for the new path, with what would fit, and leaves it", () => {
    const content = Buffer.from(`\x01\x02see /old/zlib/share/data\0`);
    const map = new PrefixMap([["/old/zlib", "/a/longer/root/zlib"]]);
    const plan = planBinaryStrings(bufferSource(content, "lib/libz.so"), map);
    expect(plan.edits).toEqual([]);
    expect(plan.unheld).toEqual([
      {
        file: "lib/libz.so",
        offset: 6,
        string: "see /old/zlib/share/data",
        oldPrefix: "/old/zlib",
        newPrefix: "/a/longer/root/zlib",
        room: 9,
      },
    ]);
  });

  it("counts the bytes that must stay as no room", () => {
    const content = Buffer.from("/old/store/zlib\0");
    const map = new PrefixMap([["/old/store/zlib", "/new/long/curl"]]);
    expect(planBinaryStrings(bufferSource(content), map).unheld[0]?.room).toBe("/old/store/zlib".length - 8);
  });

  it("uses slashes before a path as room, as an earlier relocation leaves them", () => {
    const padded = relocated(`${LONG}/lib/x\0`, "/n/zlib-1-abcdefg");
    expect(relocated(padded, LONG, "/n/zlib-1-abcdefg")).toBe(`${LONG}/lib/x\0`);
  });

  it("leaves a URL its slashes", () => {
    const content = Buffer.from("file:///old/share/doc\0");
    const plan = planBinaryStrings(bufferSource(content), new PrefixMap([["/old", "/older"]]));
    expect(plan.edits).toEqual([]);
    expect(plan.unheld).toHaveLength(1);
  });

  it("writes a shorter alias where the new path doesn't fit, as long as the old one", () => {
    const content = Buffer.from("/old/zlib-abcdefg/share/data\0/old/zlib-abcdefg\0");
    const newPath = "/a/much/longer/root/zlib-abcdefg";
    const plan = planBinaryStrings(bufferSource(content), new PrefixMap([["/old/zlib-abcdefg", newPath]]), {
      aliasOf: () => "/l/abcdefg",
    });
    expect(plan.unheld).toEqual([]);
    expect([...plan.aliases]).toEqual([[newPath, "/l/abcdefg"]]);
    expect(applyEdits(content, plan.edits).toString()).toBe("////////l/abcdefg/share/data\0////////l/abcdefg\0");
  });

  it("replaces nothing in places that are done", () => {
    const content = Buffer.from("/old/x/old/x/data/more\0");
    const map = new PrefixMap([["/old/x", "/new/y"]]);
    const plan = planBinaryStrings(bufferSource(content), map, { done: [{ offset: 0, length: 6 }] });
    expect(applyEdits(content, plan.edits).toString()).toBe("/old/x/new/y/data/more\0");
  });

  it("finds the same whatever the size of the window", () => {
    const content = Buffer.from(`ab${LONG}/lib/x${LONG}\0${LONG}/12345678//${LONG}/x\0`);
    const map = new PrefixMap([[LONG, "/n/zlib-1-abcdefg"]]);
    const whole = planBinaryStrings(bufferSource(content), map);
    expect(whole.edits).toHaveLength(4);
    for (const windowSize of [1, 2, 7, 50]) {
      expect(planBinaryStrings(bufferSource(content), map, { windowSize })).toEqual(whole);
    }
  });
});
