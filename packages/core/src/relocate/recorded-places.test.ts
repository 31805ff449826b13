import { describe, expect, it } from "vitest";
import { bufferSource } from "./byte-source.js";
import { PrefixMap } from "./prefix-map.js";
import { placesAfter, RecordedPlaces } from "./recorded-places.js";
import { relocateBinary } from "./relocate-binary.js";

const info = {
  buildpath: "/old",
  hashToPrefix: new Map([["abcdefg", "/old/pkg"]]),
  sbangInstallPath: "/bin/sbang",
};
const map = new PrefixMap([
  ["/old/pkg", "/new"],
  ["/old", "/n"],
]);
const content = "x /old/pkg /old /bin/sbang";

function placesOf(offsets: readonly number[], text = content, of = info, paths = map): readonly number[] | undefined {
  const recorded = new RecordedPlaces(of, new Map([["bin/a", offsets]]));
  return recorded.in(bufferSource(Buffer.from(text), "bin/a"), paths);
}

describe("RecordedPlaces", () => {
  it("tells the places of a file if a path of the build info stands at each", () => {
    expect(placesOf([2, 11, 16])).toEqual([2, 11, 16]);
    expect(placesOf([])).toEqual([]);
  });

  it.each([
    ["where nothing stands", [2, 10]],
    ["at the end of the file, where a part of it stands", [2, 16], "x /old/pkg here /bin/sb"],
    ["behind the end of the file", [2, 1_000_000]],
  ])("says that a file has to be searched if its record has an offset %s", (_what, offsets, text?: string) => {
    expect(placesOf(offsets as number[], text)).toBeUndefined();
  });

  it("says so of a file without a record", () => {
    const recorded = new RecordedPlaces(info, new Map([["bin/b", []]]));
    expect(recorded.in(bufferSource(Buffer.from(content), "bin/a"), map)).toBeUndefined();
  });

  it("says so where paths are replaced for which a push of the package doesn't look", () => {
    const other = new PrefixMap([["/other", "/new"]]);
    expect(placesOf([2], content, info, other)).toBeUndefined();
    expect(placesOf([2], content, { ...info, sbangInstallPath: "" }, other)).toBeUndefined();
  });
});

describe("placesAfter", () => {
  it("adds what edits have put there, also where a path begins before or ends behind one", () => {
    const edited = Buffer.from("/old .../old.. x/olx /old");
    const edits = [
      { offset: 2, bytes: Buffer.from("l") },
      { offset: 10, bytes: Buffer.from("ld..") },
    ];
    expect(placesAfter(edits, bufferSource(edited), map, [21])).toEqual([0, 8, 21]);
  });

  it("leaves places that an edit has taken away to be passed over", () => {
    const bytes = Buffer.from("\x7fELF no real one, but /old/pkg/lib/is-replaced\0");
    const recorded = new RecordedPlaces(info, new Map([["bin/a", [22]]]));
    const { bytes: after } = relocateBinary(bytes, "bin/a", map, { recorded });
    expect(after).toEqual(relocateBinary(bytes, "bin/a", map).bytes);
    expect(after?.includes("/new/lib/is-replaced")).toBe(true);
  });
});
