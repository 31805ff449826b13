import { describe, expect, it } from "vitest";
import { PrefixMap, planPrefixMaps } from "./prefix-map.js";

const text = (map: PrefixMap): string[] => map.mappings.map(({ oldPath, newPath }) => `${oldPath} ${newPath}`);
const replaced = (map: PrefixMap, path: string): string | undefined => map.replaceStart(Buffer.from(path))?.toString();

describe("PrefixMap", () => {
  it("replaces the longest old path that a path begins with", () => {
    const map = new PrefixMap([
      ["/old", "/new"],
      ["/old/zlib", "/elsewhere/zlib"],
    ]);
    expect(replaced(map, "/old/zlib/lib")).toBe("/elsewhere/zlib/lib");
    expect(replaced(map, "/old/bin")).toBe("/new/bin");
    expect(replaced(map, "/usr/old")).toBeUndefined();
  });

  it("drops pairs that change nothing", () => {
    expect(new PrefixMap([["/same", "/same"]]).isEmpty).toBe(true);
  });

  it("keeps a pair that changes nothing where a shorter one would change it", () => {
    const map = new PrefixMap([
      ["/old/upstream", "/old/upstream"],
      ["/old", "/new"],
    ]);
    expect(replaced(map, "/old/upstream/lib")).toBeUndefined();
    expect(map.search(Buffer.from("/old/upstream")).next(0)?.newPath.toString()).toBe("/old/upstream");
  });

  it("takes no root folder, relative path or path with NUL for a prefix", () => {
    const pairs = ["", "/", "//", "opt", "/a\0b"].map((path): [string, string] => [path, "/new"]);
    expect(new PrefixMap(pairs).isEmpty).toBe(true);
  });

  it("finds the places of all old paths in order, the longest at each", () => {
    const map = new PrefixMap([
      ["/b", "/2"],
      ["/a", "/1"],
      ["/a/x", "/3"],
    ]);
    const bytes = Buffer.from("..../a/x /b /a");
    const search = map.search(bytes);
    const places: string[] = [];
    for (let found = search.next(0); found !== undefined; found = search.next(found.at + 1)) {
      places.push(`${found.at} ${found.newPath}`);
    }
    expect(places).toEqual(["4 /3", "9 /2", "12 /1"]);
  });
});

describe("planPrefixMaps", () => {
  const info = {
    buildpath: "/opt/store",
    relativePrefix: "linux/app-1-aaa",
    sbangInstallPath: "/opt/store/bin/sbang",
    hashToPrefix: new Map([
      ["aaa", "/opt/store/linux/app-1-aaa"],
      ["bbb", "/opt/store/linux/dep-2-bbb"],
      ["ccc", "/opt/store/linux/gone-3-ccc"],
    ]),
  };
  const target = {
    root: "/new",
    prefix: "/new/linux/app-1-aaa",
    sbang: "/short/bin/sbang",
    prefixes: new Map([
      ["aaa", "/new/linux/app-1-aaa"],
      ["bbb", "/upstream/dep-2-bbb"],
    ]),
  };

  it("maps each package that is known, and the root; sbang in text files only", () => {
    const { text: texts, binary } = planPrefixMaps(info, target);
    expect(text(binary)).toEqual([
      "/opt/store/linux/app-1-aaa /new/linux/app-1-aaa",
      "/opt/store/linux/dep-2-bbb /upstream/dep-2-bbb",
      "/opt/store /new",
    ]);
    expect(text(texts)).toEqual([
      ...text(binary).slice(0, 2),
      "/opt/store/bin/sbang /short/bin/sbang",
      "/opt/store /new",
    ]);
  });

  it("takes a package that is not known to lie where it did, under the new root", () => {
    const { binary } = planPrefixMaps(info, target);
    expect(replaced(binary, "/opt/store/linux/gone-3-ccc/lib")).toBe("/new/linux/gone-3-ccc/lib");
  });

  it("maps the package's own prefix where the build info has no hashes", () => {
    const { binary } = planPrefixMaps({ ...info, hashToPrefix: new Map() }, { ...target, prefix: "/new/app" });
    expect(replaced(binary, "/opt/store/linux/app-1-aaa/bin")).toBe("/new/app/bin");
  });
});
