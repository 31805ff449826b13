import { readdirSync, readFileSync } from "node:fs";
import { buildFatMachO, buildMachO, fixturePath } from "@spkoci/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpkociError } from "../../packages/core/src/base/errors.js";
import { planBinaryStrings } from "../../packages/core/src/relocate/binary-strings.js";
import { applyEdits, bufferSource } from "../../packages/core/src/relocate/byte-source.js";
import { planMachO } from "../../packages/core/src/relocate/macho.js";
import { PrefixMap } from "../../packages/core/src/relocate/prefix-map.js";
import { relocateBinary } from "../../packages/core/src/relocate/relocate-binary.js";
import { planElf } from "../../packages/core/src/relocate/relocate-elf.js";
import { relocateText, TextReplacer } from "../../packages/core/src/relocate/text.js";

const OLD = "/old/store/linux/greet-1.0-abcdefg";
const LONGER = `/new/${"n".repeat(180)}/greet-1.0-abcdefg`;
const SHORTER = "/n/greet-1.0-abcdefg";

const elfFiles = readdirSync(fixturePath("elf"))
  .filter((file) => /library\.so$|program$/.test(file))
  .map((file) => readFileSync(fixturePath(`elf/${file}`)));
const paths = [
  { command: 0xd, path: `${OLD}/lib/libz.dylib` },
  { command: 0xc, path: `${OLD}/lib/liba.dylib` },
  { command: 0x8000001c, path: `${OLD}/lib` },
];
const machOFiles = [
  buildMachO(paths, { padding: 400 }),
  buildMachO(paths, { is64: false, isBigEndian: true }),
  buildFatMachO([buildMachO(paths), buildMachO(paths, { is64: false })]),
];

/** Values that headers are likely to be wrong about. */
const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 7, 8, 0xff, 0x7f, 0x80, 0xffff, 0x8000, 0xfffffff8, 0xffffffff, 0x7fffffff, 0x80000000),
  fc.nat({ max: 4096 }),
  fc.nat({ max: 0xffffffff }),
);

/** A file some of whose bytes are wrong, most of them among its headers; perhaps cut off. */
function damaged(files: readonly Buffer[]): fc.Arbitrary<Buffer> {
  return fc.constantFrom(...files).chain((file) => {
    const place = fc.oneof(fc.nat({ max: 1023 }), fc.nat({ max: file.length - 1 }));
    const change = fc.record({ place, size: fc.constantFrom(1, 2, 4), value: word, isBigEndian: fc.boolean() });
    const length = fc.option(fc.nat({ max: file.length }), { freq: 6, nil: undefined });
    return fc
      .record({ changes: fc.array(change, { minLength: 1, maxLength: 6 }), length })
      .map(({ changes, length }) => {
        const bytes = Buffer.from(file);
        for (const { place, size, value, isBigEndian } of changes) {
          const at = Math.min(place, bytes.length - size);
          const fitting = value % 256 ** size;
          if (isBigEndian) bytes.writeUIntBE(fitting, at, size);
          else bytes.writeUIntLE(fitting, at, size);
        }
        return length === undefined ? bytes : bytes.subarray(0, length);
      });
  });
}

/** Runs `task`; whatever it throws must be the error for malformed files. */
function onlyFailsCleanly(task: () => void): void {
  try {
    task();
  } catch (error) {
    expect(error).toBeInstanceOf(SpkociError);
    expect((error as SpkociError).code).toBe("RELOCATION_INVALID_BINARY");
  }
}

describe.each([
  ["longer", LONGER],
  ["shorter", SHORTER],
])("relocation of damaged files to a %s prefix", (_, newPath) => {
  const map = new PrefixMap([[OLD, newPath]]);

  it("edits ELF files or fails cleanly, and the result is a file that can be read again", () => {
    fc.assert(
      fc.property(damaged(elfFiles), (bytes) => {
        onlyFailsCleanly(() => {
          const { edits } = planElf(bufferSource(bytes), map);
          const after = applyEdits(bytes, edits);
          expect(after.length).toBeLessThan(bytes.length + 32 * 1024 * 1024);
          onlyFailsCleanly(() => planElf(bufferSource(after), new PrefixMap([[newPath, OLD]])));
        });
      }),
      { numRuns: 6000 },
    );
  });

  it("edits Mach-O files or fails cleanly, and never changes their size", () => {
    fc.assert(
      fc.property(damaged(machOFiles), (bytes) => {
        onlyFailsCleanly(() => {
          const { edits } = planMachO(bufferSource(bytes), map);
          expect(applyEdits(bytes, edits).length).toBe(bytes.length);
        });
      }),
      { numRuns: 4000 },
    );
  });

  it("relocates any binary as a whole, reporting what is malformed", () => {
    fc.assert(
      fc.property(damaged([...elfFiles, ...machOFiles]), (bytes) => {
        relocateBinary(bytes, "file", map, { aliasOf: () => "/l/abcdefg" });
      }),
      { numRuns: 2000 },
    );
  });
});

const name = fc.string({ unit: fc.constantFrom("a", "b", "-", "1"), minLength: 1, maxLength: 12 });
const prefix = fc.tuple(name, name).map(([first, last]) => `/${first}/${last}-abcdefg`);
const filler = fc.constantFrom("\0", " ", ":", "=", "x", "/lib", "\0\0\x01", "é", "/share/data\0", "\n");

describe("relocation there and back", () => {
  it("restores ELF files whose run path is no other string's end", () => {
    const programs = ["x86_64", "x86_64-fixed", "i686", "powerpc", "aarch64"].map((machine) =>
      readFileSync(fixturePath(`elf/${machine}-program`)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...programs), name, (file, middle) => {
        const other = `/${middle}/greet-1.0-abcdefg`;
        const there = relocateBinary(file, "", new PrefixMap([[OLD, other]])).bytes ?? file;
        expect(there.length).toBe(file.length);
        const back = relocateBinary(there, "", new PrefixMap([[other, OLD]])).bytes;
        expect(back?.equals(file)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("restores strings in binaries", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(filler, fc.constant(OLD)), { maxLength: 20 }), prefix, (parts, other) => {
        fc.pre(other.length <= OLD.length && !OLD.includes(other));
        const before = Buffer.from(parts.join(""));
        fc.pre(!before.includes(other) && !before.includes("//"));
        const there = planBinaryStrings(bufferSource(before), new PrefixMap([[OLD, other]]));
        const after = applyEdits(before, there.edits);
        expect(after.length).toBe(before.length);
        expect(there.unheld).toEqual([]);
        const back = planBinaryStrings(bufferSource(after), new PrefixMap([[other, OLD]]));
        // A URL's slashes are left to it.
        fc.pre(!before.includes(`:${OLD}`));
        expect(applyEdits(after, back.edits).equals(before)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it("restores text", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(filler, fc.constant(OLD)), { maxLength: 20 }), prefix, (parts, other) => {
        const before = Buffer.from(parts.join(""));
        fc.pre(!before.includes(other) && !OLD.includes(other) && !other.includes(OLD));
        const there = relocateText(before, new PrefixMap([[OLD, other]])) ?? before;
        const back = relocateText(there, new PrefixMap([[other, OLD]])) ?? there;
        expect(back.equals(before)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("text and Spack's rule", () => {
  const words = fc.array(fc.constantFrom("/", "a", "-", "_", " ", "=", ".", "\0", "é", "/a", "/a/b", "/a.b/a", "/b"), {
    maxLength: 40,
  });
  const pairs = fc.uniqueArray(fc.constantFrom("/a/b", "/a", "/a.b/a", "/b/a", "/a/b/a/b"), { maxLength: 4 });

  /** The rule in one regular expression, the longest path first. */
  function byRule(text: string, oldPaths: readonly string[]): string {
    if (oldPaths.length === 0) return text;
    const any = [...oldPaths].sort((a, b) => b.length - a.length).map((path) => path.replaceAll(".", "\\."));
    const rule = new RegExp(`(?<![\\w\\-/])([\\w-]*?)(${any.join("|")})([\\w\\-/]*)`, "g");
    return text.replace(rule, (_, before, path, after) => `${before}${newPathOf(path)}${after}`);
  }

  const newPathOf = (path: string): string => `/new/a/b${path.length}`;

  it("are the same, however the text is cut into chunks", () => {
    fc.assert(
      fc.property(words, pairs, fc.array(fc.nat({ max: 80 }), { maxLength: 6 }), (parts, oldPaths, cuts) => {
        const bytes = Buffer.from(parts.join(""), "latin1");
        const replacer = new TextReplacer(new PrefixMap(oldPaths.map((path) => [path, newPathOf(path)])));
        const borders = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const chunks = borders.slice(1).map((border, i) => bytes.subarray(borders[i], border));
        const output = [...chunks.flatMap((chunk) => replacer.update(chunk)), ...replacer.finish()];
        expect(Buffer.concat(output).toString("latin1")).toBe(byRule(bytes.toString("latin1"), oldPaths));
      }),
      { numRuns: 10_000 },
    );
  });
});
