import { readFileSync } from "node:fs";
import { fixturePath } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { applyEdits, bufferSource } from "./byte-source.js";
import { DT_RPATH, DT_RUNPATH, PT_LOAD, PT_PHDR } from "./elf-format.js";
import { readElf } from "./elf-reader.js";
import { isRunPath } from "./elf-references.js";
import { PrefixMap } from "./prefix-map.js";
import { planElf } from "./relocate-elf.js";

const OLD = "/old/store/linux/greet-1.0-abcdefg";
const LONGER = `/new/${"n".repeat(180)}/greet-1.0-abcdefg`;
const SHORTER = "/n/greet-1.0-abcdefg";

const fixture = (name: string): Buffer => readFileSync(fixturePath(`elf/${name}`));

function relocated(bytes: Buffer, oldPath: string, newPath: string): Buffer {
  return applyEdits(bytes, planElf(bufferSource(bytes), new PrefixMap([[oldPath, newPath]])).edits);
}

/** Run paths with their tags, and the interpreter. */
function pathsOf(bytes: Buffer): { runPaths: [number, string][]; interpreter: string | undefined } {
  const { dynamic, interpreter } = readElf(bufferSource(bytes));
  const stringAt = (table: Buffer, at: number): string => table.toString("latin1", at, table.indexOf(0, at));
  const entries = dynamic?.entries.filter(({ tag }) => isRunPath(tag)) ?? [];
  return {
    runPaths: entries.map(({ tag, value }) => [tag, stringAt(dynamic?.strings.bytes ?? Buffer.alloc(1), value)]),
    interpreter: interpreter && stringAt(bytes, interpreter.offset),
  };
}

const LIBRARIES = ["x86_64", "x86_64-headerless", "i686", "powerpc", "aarch64"].map((name) => `${name}-library.so`);
const PROGRAMS = ["x86_64", "x86_64-fixed", "x86_64-headerless", "i686", "powerpc", "aarch64"].map(
  (name) => `${name}-program`,
);

describe.each([...LIBRARIES, ...PROGRAMS])("planElf on %s", (name) => {
  const before = fixture(name);
  const tag = name.startsWith("powerpc") ? DT_RPATH : DT_RUNPATH;
  const isProgram = name.endsWith("program");
  const isShared = !isProgram || name.includes("headerless");
  const expected = (prefix: string): ReturnType<typeof pathsOf> => ({
    runPaths: [[tag, isProgram ? `${prefix}/lib:/usr/lib${isShared ? "" : "64"}` : `${prefix}/lib`]],
    interpreter: isProgram ? `${prefix}/lib/ld.so` : undefined,
  });

  it("has the old prefix before", () => expect(pathsOf(before)).toEqual(expected(OLD)));

  it("writes a longer prefix, and leaves none of the old one but what symbols share", () => {
    const after = relocated(before, OLD, LONGER);
    expect(pathsOf(after)).toEqual(expected(LONGER));
    expect(after.includes(OLD)).toBe(false);
  });

  it("loads what was added where nothing else is, page by page as in the file", () => {
    const { segments, header, codec } = readElf(bufferSource(relocated(before, OLD, LONGER)));
    const loads = segments.filter(({ type }) => type === PT_LOAD);
    for (const [i, { offset, vaddr, align }] of loads.entries()) {
      expect(offset % align).toBe(vaddr % align);
      const previous = loads[i - 1];
      if (previous) expect(Math.floor(vaddr / align) * align).toBeGreaterThanOrEqual(previous.vaddr + previous.memsz);
    }
    const table = segments.find(({ type }) => type === PT_PHDR);
    const home = loads.find(({ offset, filesz }) => offset <= header.phoff && header.phoff < offset + filesz);
    if (table) {
      expect(table.offset).toBe(header.phoff);
      expect(table.filesz).toBe(header.phnum * codec.sizeOf("phdr"));
      expect(table.vaddr).toBe(header.phoff - (home?.offset ?? 0) + (home?.vaddr ?? 0));
    }
  });

  it("takes a longer prefix again, in the same segment", () => {
    const once = relocated(before, OLD, LONGER);
    const twice = relocated(once, LONGER, `${LONGER}/and/more`);
    expect(pathsOf(twice)).toEqual(expected(`${LONGER}/and/more`));
    const loads = (bytes: Buffer): number => readElf(bufferSource(bytes)).segments.length;
    expect(loads(twice)).toBe(loads(once));
  });

  it("keeps the size for a shorter prefix unless symbols share the string, and comes back to the same bytes", () => {
    const after = relocated(before, OLD, SHORTER);
    expect(pathsOf(after)).toEqual(expected(SHORTER));
    if (isShared) return;
    expect(after.length).toBe(before.length);
    expect(relocated(after, SHORTER, OLD).equals(before)).toBe(true);
  });

  it("says where the new paths are", () => {
    for (const newPath of [SHORTER, LONGER]) {
      const plan = planElf(bufferSource(before), new PrefixMap([[OLD, newPath]]));
      const after = applyEdits(before, plan.edits);
      const found = plan.done.map(({ offset, length }) => after.toString("latin1", offset, offset + length));
      expect(found.every((text) => text.startsWith(newPath))).toBe(true);
      expect(found).toHaveLength(isProgram ? 2 : 1);
    }
  });

  it("changes nothing for other prefixes", () => {
    expect(planElf(bufferSource(before), new PrefixMap([["/other", "/new"]])).edits).toEqual([]);
  });
});

describe("planElf", () => {
  it.each(["x86_64-library.so", "powerpc-library.so", "x86_64-headerless-library.so", "x86_64-headerless-program"])(
    "keeps a symbol's name that shares the end of the run path in %s",
    (name) => {
      const before = fixture(name);
      const { dynamic } = readElf(bufferSource(before));
      const nameAt = dynamic?.strings.bytes.indexOf("lib\0", dynamic.strings.bytes.indexOf(OLD)) ?? 0;
      for (const newPath of [SHORTER, LONGER]) {
        const table = readElf(bufferSource(relocated(before, OLD, newPath))).dynamic?.strings.bytes;
        expect(table?.toString("latin1", nameAt, nameAt + 4)).toBe("lib\0");
      }
    },
  );

  it.each(["x86_64-object.o", "x86_64-static-program"])("leaves %s alone", (name) => {
    expect(
      planElf(
        bufferSource(fixture(name)),
        new PrefixMap([
          ["/", "/new"],
          ["/old", "/new"],
        ]),
      ).edits,
    ).toEqual([]);
  });

  it.each([
    ["no more than its magic", (bytes: Buffer) => bytes.subarray(0, 4)],
    ["a cut header", (bytes: Buffer) => bytes.subarray(0, 40)],
    ["a cut program header table", (bytes: Buffer) => bytes.subarray(0, 100)],
    ["an unknown word size", (bytes: Buffer) => bytes.fill(3, 4, 5)],
    ["program headers beyond the end", (bytes: Buffer) => bytes.fill(0x7f, 32, 39)],
    ["sections beyond the end", (bytes: Buffer) => bytes.fill(0x7f, 40, 47)],
    ["program headers of another size", (bytes: Buffer) => bytes.fill(1, 54, 55)],
  ])("refuses a file with %s", (_, damage) => {
    const bytes = damage(fixture("x86_64-program"));
    const map = new PrefixMap([[OLD, LONGER]]);
    expect(() => planElf(bufferSource(bytes, "bin/tool"), map)).toThrowError(
      expect.objectContaining({ code: "RELOCATION_INVALID_BINARY", message: expect.stringContaining("bin/tool") }),
    );
  });
});
