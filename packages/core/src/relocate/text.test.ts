import { describe, expect, it } from "vitest";
import { PrefixMap } from "./prefix-map.js";
import { relocateText, TextReplacer } from "./text.js";

const map = new PrefixMap([
  ["/opt/store", "/home/me/opt/store"],
  ["/opt/store/zlib-1", "/z"],
]);
const relocated = (text: string): string | undefined => relocateText(Buffer.from(text), map)?.toString();

describe("relocateText", () => {
  it.each([
    ["prefix=/opt/store/zlib-1", "prefix=/z"],
    ["/opt/store/app/bin", "/home/me/opt/store/app/bin"],
    ["-I/opt/store/zlib-1/include -L/opt/store/zlib-1/lib", "-I/z/include -L/z/lib"],
    ['"/opt/store/zlib-1":"/opt/store"', '"/z":"/home/me/opt/store"'],
    ["file:///opt/store/a", undefined],
    ["/mnt/opt/store", undefined],
    ["/mnt-2/opt/store", undefined],
    ["a-b_c/opt/store", "a-b_c/home/me/opt/store"],
    ["/mnt.d/opt/store", "/mnt.d/home/me/opt/store"],
    ["nothing here", undefined],
    ["", undefined],
  ])("turns %j into %j", (before, after) => expect(relocated(before)).toBe(after));

  it("takes no new path for an old one", () => {
    expect(relocated("/opt/store:/opt/store")).toBe("/home/me/opt/store:/home/me/opt/store");
  });

  it("leaves the bytes around alone, whatever they are", () => {
    const bytes = Buffer.concat([Buffer.of(0xff, 0, 0xfe), Buffer.from("/opt/store/zlib-1"), Buffer.of(0, 0xe9)]);
    expect(relocateText(bytes, map)).toEqual(Buffer.of(0xff, 0, 0xfe, 0x2f, 0x7a, 0, 0xe9));
  });
});

describe("TextReplacer", () => {
  it("gives the same for any cut of the text", () => {
    const text = Buffer.from("x/opt/store/zlib-1/opt/store a/opt/store /b/opt/store=/opt/store/zlib-1");
    const whole = relocateText(text, map)?.toString();
    for (let at = 0; at <= text.length; at += 1) {
      const replacer = new TextReplacer(map);
      const parts = [
        ...replacer.update(text.subarray(0, at)),
        ...replacer.update(text.subarray(at)),
        ...replacer.finish(),
      ];
      expect(Buffer.concat(parts).toString()).toBe(whole);
    }
  });
});
