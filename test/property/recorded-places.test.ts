import { readdirSync, readFileSync } from "node:fs";
import { buildMachO, fixturePath } from "@spkoci/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NeedleSearch, prepareNeedles } from "../../packages/core/src/layer/needle-search.js";
import { planBinaryStrings } from "../../packages/core/src/relocate/binary-strings.js";
import { bufferSource } from "../../packages/core/src/relocate/byte-source.js";
import { type PrefixMaps, planPrefixMaps } from "../../packages/core/src/relocate/prefix-map.js";
import { RecordedPlaces } from "../../packages/core/src/relocate/recorded-places.js";
import { relocateBinary } from "../../packages/core/src/relocate/relocate-binary.js";
import { relocateTextBytes } from "../../packages/core/src/relocate/relocate-text-file.js";
import { LINUX_SHEBANG } from "../../packages/core/src/relocate/shebang.js";
import { relocationNeedles } from "../../packages/core/src/spack/relocation-needles.js";

const ROOTS = ["/a", "/a/b", "/old/store", "/a-b/a"] as const;
const NEW_ROOTS = ["/n", "/a", "/a/b", "/x/a/b", "/old/store/linux", "/quite/a/long/root/for/all/that"] as const;

const packages = fc.record({
  root: fc.constantFrom(...ROOTS),
  newRoot: fc.constantFrom(...NEW_ROOTS),
  names: fc.array(fc.constantFrom("b", "b-1", "a", "linux/greet-1.0-abcdefg"), { minLength: 1, maxLength: 3 }),
  sbang: fc.constantFrom("/a/bin/sbang", "/a/b", "/old/store/bin/sbang"),
});
type Package = typeof packages extends fc.Arbitrary<infer T> ? T : never;

function planOf({ root, newRoot, names, sbang }: Package) {
  const info = {
    buildpath: root,
    relativePrefix: names[0] ?? "",
    hashToPrefix: new Map(names.map((name, i) => [`hash${i}`, `${root}/${name}`])),
    sbangInstallPath: sbang,
  };
  const prefixes = new Map(names.map((name, i) => [`hash${i}`, `${newRoot}/${name}`]));
  const prefix = `${newRoot}/${names[0]}`;
  const maps = planPrefixMaps(info, { root: newRoot, prefix, prefixes, sbang: `${newRoot}/bin/sbang` });
  return { info, maps, newRoot };
}

type Plan = ReturnType<typeof planOf>;

/** What a push would write down of a file. */
function placesIn(bytes: Buffer, info: Plan["info"]): readonly number[] {
  const search = new NeedleSearch(prepareNeedles(relocationNeedles(info)));
  search.update(bytes);
  return search.offsets ?? expect.unreachable();
}

/** Everything that may become of a file: as text, and as a binary. */
function relocated(bytes: Buffer, maps: PrefixMaps, newRoot: string, recorded?: RecordedPlaces): unknown {
  const sbang = { path: `${newRoot}/bin/sbang`, limits: LINUX_SHEBANG };
  const aliasOf = (): string => "/s";
  return {
    text: relocateTextBytes(bytes, { name: "file", mode: 0o755 }, maps.text, sbang, recorded),
    binary: relocateBinary(bytes, "file", maps.binary, { aliasOf, recorded }),
  };
}

function expectSame(bytes: Buffer, { info, maps, newRoot }: Plan, offsets: readonly number[] | undefined): void {
  const recorded = new RecordedPlaces(info, new Map(offsets && [["file", offsets]]));
  expect(relocated(bytes, maps, newRoot, recorded)).toEqual(relocated(bytes, maps, newRoot));
}

/** Bytes in which paths, parts of them and what may stand around them are likely. */
const content = fc
  .array(
    fc.constantFrom(
      "/",
      "a",
      "b",
      "-1",
      " ",
      "\0",
      ":",
      "#!",
      "\n",
      "/a",
      "/a/b",
      "/old/store",
      "/bin/sbang",
      "//",
      "/lib",
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join("")));

const programs = [
  ...readdirSync(fixturePath("elf"))
    .filter((file) => /library\.so$|program$/.test(file))
    .map((file) => readFileSync(fixturePath(`elf/${file}`))),
  buildMachO([{ command: 0x8000001c, path: "/old/store/linux/greet-1.0-abcdefg/lib" }], { padding: 400 }),
];

describe("relocation with recorded offsets", () => {
  it("writes the same bytes as a search does", () => {
    fc.assert(
      fc.property(content, packages, (bytes, one) => {
        const plan = planOf(one);
        expectSame(bytes, plan, placesIn(bytes, plan.info));
      }),
      { numRuns: 3000 },
    );
  });

  it("writes the same bytes into real programs, longer paths and those behind the programs included", () => {
    fc.assert(
      fc.property(fc.constantFrom(...programs), content, packages, (program, after, one) => {
        const bytes = Buffer.concat([program, after]);
        const plan = planOf({ ...one, root: "/old/store", names: ["linux/greet-1.0-abcdefg", ...one.names] });
        expectSame(bytes, plan, placesIn(bytes, plan.info));
      }),
      { numRuns: 300 },
    );
  });

  it("searches where an offset is wrong or the record is missing, whatever else the record says", () => {
    const wrong = fc.oneof(fc.nat({ max: 200 }), fc.constantFrom(2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER));
    fc.assert(
      fc.property(content, packages, wrong, fc.array(fc.nat()), fc.boolean(), (bytes, one, offset, left, isMissing) => {
        const plan = planOf(one);
        const places = placesIn(bytes, plan.info);
        fc.pre(!places.includes(offset));
        const kept = places.filter((_, i) => !left.includes(i));
        expectSame(bytes, plan, isMissing ? undefined : [...kept, offset].sort((a, b) => a - b));
      }),
      { numRuns: 2000 },
    );
  });

  it("never writes a path where none stood, whatever a record says", () => {
    const offsets = fc.uniqueArray(fc.nat({ max: 200 })).map((all) => all.sort((a, b) => a - b));
    fc.assert(
      fc.property(content, packages, offsets, (bytes, one, claimed) => {
        const { info, maps } = planOf(one);
        const all = placesIn(bytes, info);
        const places = new RecordedPlaces(info, new Map([["file", claimed]])).in(
          bufferSource(bytes, "file"),
          maps.text,
        );
        expect(places ?? all).toEqual(all.filter((place) => places === undefined || claimed.includes(place)));
      }),
      { numRuns: 2000 },
    );
  });

  it("reads a binary in pieces of any size to the same end", () => {
    fc.assert(
      fc.property(content, packages, fc.integer({ min: 1, max: 50 }), (bytes, one, windowSize) => {
        const { info, maps } = planOf(one);
        const source = bufferSource(bytes, "file");
        const plan = planBinaryStrings(source, maps.binary, { windowSize, places: placesIn(bytes, info) });
        expect(plan).toEqual(planBinaryStrings(source, maps.binary));
      }),
      { numRuns: 2000 },
    );
  });
});
