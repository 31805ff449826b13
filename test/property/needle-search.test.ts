import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KindDetector } from "../../packages/core/src/layer/file-kind.js";
import { NeedleSearch, prepareNeedles } from "../../packages/core/src/layer/needle-search.js";

/** Text in which needles, parts of them and what may stand before them are likely. */
const text = fc
  .array(fc.constantFrom("/", "a", "-", "_", " ", "=", "\0", "é", "/a", "/a/b", "/a-b/a", "/b"), { maxLength: 40 })
  .map((parts) => Buffer.from(parts.join("")));
const needles = fc.array(fc.constantFrom("/a/b", "/a", "/a-b/a", "/b/a", "/é", "/a/b/a/b"), { maxLength: 4 });
const cuts = fc.array(fc.nat({ max: 80 }), { maxLength: 8 });

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const borders = [0, ...at.filter((border) => border < bytes.length).sort((a, b) => a - b), bytes.length];
  return borders.slice(1).map((border, i) => bytes.subarray(borders[i], border));
}

/** The rule in one regular expression over the whole text. */
function namesPath(bytes: Buffer, paths: readonly string[]): boolean {
  if (paths.length === 0) return false;
  const any = paths.map((path) => Buffer.from(path).toString("latin1")).join("|");
  return new RegExp(`(?<![\\w\\-/])[\\w-]*(?:${any})`).test(bytes.toString("latin1"));
}

/** Every place where one of the paths stands. */
function placesOf(bytes: Buffer, paths: readonly string[]): number[] {
  const needles = paths.map((path) => Buffer.from(path));
  const isAt = (at: number): boolean => needles.some((needle) => bytes.subarray(at, at + needle.length).equals(needle));
  return [...bytes.keys()].filter(isAt);
}

describe("NeedleSearch", () => {
  it("finds the same however the text is cut into chunks, and what the rule says of the whole text", () => {
    fc.assert(
      fc.property(text, needles, cuts, (bytes, paths, at) => {
        const search = new NeedleSearch(prepareNeedles(paths));
        for (const chunk of cut(bytes, at)) search.update(chunk);
        expect(search.found).toBe(namesPath(bytes, paths));
        expect(search.offsets).toEqual(placesOf(bytes, paths));
      }),
      { numRuns: 5000 },
    );
  });
});

describe("KindDetector", () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: "binary", maxLength: 20 }).map((line) => Buffer.from(line)),
    fc.array(fc.integer({ min: 1, max: 0x7e }), { maxLength: 20 }).map((bytes) => Buffer.from([...bytes, 0xfc])),
  );

  function isText(bytes: Buffer): boolean {
    if (bytes.length < 8) return false;
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      return true;
    } catch {
      return bytes.every((byte) => byte !== 0 && (byte < 0x7f || byte > 0x9f));
    }
  }

  it("tells text the same however it is cut into chunks, and as a whole decoder does", () => {
    fc.assert(
      fc.property(content, cuts, (bytes, at) => {
        const kind = new KindDetector();
        for (const chunk of cut(bytes, at)) kind.update(chunk);
        const is = kind.finish();
        if (is !== "binary") expect(is === "text").toBe(isText(bytes));
      }),
      { numRuns: 5000 },
    );
  });
});
