import { buildFatMachO, buildMachO, type MachOOptions } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { applyEdits, bufferSource } from "./byte-source.js";
import { isMachO, planMachO } from "./macho.js";
import { readCommands } from "./macho-reader.js";
import { PrefixMap } from "./prefix-map.js";

const [LOAD, ID, WEAK, RPATH, REEXPORT, LAZY, UPWARD] = [
  0xc, 0xd, 0x80000018, 0x8000001c, 0x8000001f, 0x20, 0x80000023,
];
const OLD = "/old/store/z-1";
const PATHS = [
  { command: ID, path: `${OLD}/lib/libz.dylib` },
  { command: LOAD, path: `${OLD}/lib/liba.dylib` },
  { command: WEAK, path: `${OLD}/lib/libb.dylib` },
  { command: REEXPORT, path: `${OLD}/lib/libc.dylib` },
  { command: LAZY, path: `${OLD}/lib/libd.dylib` },
  { command: UPWARD, path: `${OLD}/lib/libe.dylib` },
  { command: LOAD, path: "/usr/lib/libSystem.B.dylib" },
  { command: RPATH, path: `${OLD}/lib` },
];
const OLD_PATHS = PATHS.map(({ path }) => path);
const movedTo = (prefix: string): string[] => OLD_PATHS.map((path) => path.replace(OLD, prefix));

const pathsIn = (bytes: Buffer): string[] =>
  readCommands(bufferSource(bytes)).flatMap(({ commands }) =>
    commands.flatMap(({ path }) => path?.bytes.toString() ?? []),
  );

function relocated(bytes: Buffer, oldPath: string, newPath: string): Buffer {
  const plan = planMachO(bufferSource(bytes), new PrefixMap([[oldPath, newPath]]));
  expect(plan.unheld).toEqual([]);
  return applyEdits(bytes, plan.edits);
}

const KINDS: [string, MachOOptions][] = [
  ["64 bit, little-endian", {}],
  ["64 bit, big-endian", { isBigEndian: true }],
  ["32 bit, little-endian", { is64: false }],
  ["32 bit, big-endian", { is64: false, isBigEndian: true }],
];

describe.each(KINDS)("planMachO, %s", (_, options) => {
  it("replaces the prefix in every kind of path, and gets back to the same bytes", () => {
    const before = buildMachO(PATHS, options);
    expect(pathsIn(before)).toEqual(OLD_PATHS);
    const after = relocated(before, OLD, "/new/z-1");
    expect(pathsIn(after)).toEqual(movedTo("/new/z-1"));
    expect(after.length).toBe(before.length);
    expect(relocated(after, "/new/z-1", OLD).equals(before)).toBe(true);
  });

  it("makes commands longer where the header has room", () => {
    const content = Buffer.from("what follows the header");
    const before = buildMachO(PATHS, { ...options, padding: 2000, content });
    const longer = `/new/${"n".repeat(150)}/z-1`;
    const after = relocated(before, OLD, longer);
    expect(pathsIn(after)).toEqual(movedTo(longer));
    expect(after.length).toBe(before.length);
    expect(after.subarray(-content.length).equals(content)).toBe(true);
  });

  it("reports the paths for which there is no room, and writes nothing", () => {
    const before = buildMachO(PATHS, { ...options, padding: 16 });
    const longer = `/new/${"n".repeat(150)}/z-1`;
    const plan = planMachO(bufferSource(before, "lib/libz.dylib"), new PrefixMap([[OLD, longer]]));
    expect(plan.edits).toEqual([]);
    expect(plan.unheld).toHaveLength(7);
    expect(plan.unheld[0]).toMatchObject({ file: "lib/libz.dylib", string: `${OLD}/lib/libz.dylib` });
  });
});

describe("planMachO", () => {
  it("relocates each architecture of a fat file", () => {
    const slices = [buildMachO(PATHS), buildMachO(PATHS, { is64: false, isBigEndian: true, padding: 100 })];
    const after = relocated(buildFatMachO(slices), OLD, "/new/z");
    expect(pathsIn(after)).toEqual([...movedTo("/new/z"), ...movedTo("/new/z")]);
  });

  it("says where the new paths are", () => {
    const before = buildMachO(PATHS, { padding: 500 });
    const plan = planMachO(bufferSource(before), new PrefixMap([[OLD, "/longer/prefix/z-1"]]));
    const after = applyEdits(before, plan.edits);
    const found = plan.done.map(({ offset, length }) => after.toString("latin1", offset, offset + length));
    expect(found).toEqual(movedTo("/longer/prefix/z-1").filter((path) => path.startsWith("/longer")));
  });

  it("leaves object files alone", () => {
    const object = buildMachO(PATHS, { fileType: 1 });
    expect(planMachO(bufferSource(object), new PrefixMap([[OLD, "/new"]])).edits).toEqual([]);
  });

  it("takes no Java class for a Mach-O file", () => {
    expect(isMachO(bufferSource(Buffer.from("cafebabe0000003400", "hex")))).toBe(false);
    expect(isMachO(bufferSource(buildFatMachO([buildMachO([])])))).toBe(true);
  });

  it.each([
    ["a header that is cut off", (bytes: Buffer) => bytes.subarray(0, 20)],
    ["load commands beyond its end", (bytes: Buffer) => bytes.fill(0xff, 20, 22)],
    ["a command of size 0", (bytes: Buffer) => bytes.fill(0, 36, 40)],
    ["more commands than there are", (bytes: Buffer) => bytes.fill(0xff, 16, 18)],
    ["too many sections", (bytes: Buffer) => bytes.fill(0xff, 32 + 64, 32 + 66)],
    ["a path outside of its command", (bytes: Buffer) => bytes.fill(0xff, 32 + 152 + 8, 32 + 152 + 10)],
  ])("refuses a file with %s", (_, damage) => {
    const bytes = damage(buildMachO(PATHS));
    expect(() => planMachO(bufferSource(bytes), new PrefixMap([[OLD, "/new"]]))).toThrowError(
      expect.objectContaining({ code: "RELOCATION_INVALID_BINARY" }),
    );
  });
});
