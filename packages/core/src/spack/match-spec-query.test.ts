import { readFile } from "node:fs/promises";
import { fixturePath } from "@spkoci/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import type { ConcreteSpec } from "./concrete-spec.js";
import { parseDatabase } from "./database.js";
import { formatSpec } from "./format-spec.js";
import { matchesQuery } from "./match-spec-query.js";
import { parseSpecQuery } from "./parse-spec-query.js";
import { parseSpecNode } from "./spec-node.js";

type Specs = Map<string, ConcreteSpec>;

const databases: Record<"small" | "python", Specs> = { small: new Map(), python: new Map() };

beforeAll(async () => {
  for (const name of ["small", "python"] as const) {
    const text = await readFile(fixturePath(`${name}/store-index.json`), "utf8");
    for (const [hash, { spec }] of parseDatabase(text, "db").records) databases[name].set(hash, spec);
  }
});

function found(specs: Specs, query: string): string[] {
  const parsed = parseSpecQuery(query);
  return [...specs.values()]
    .filter((spec) => matchesQuery(spec, parsed, (hash) => specs.get(hash)))
    .map(({ name }) => name)
    .sort();
}

const small = (query: string): string[] => found(databases.small, query);
const python = (query: string): string[] => found(databases.python, query);

/** Whether a zlib with these changes is what the query asks for. */
function changed(changes: Partial<ConcreteSpec>, query: string): boolean {
  const zlib = [...databases.python.values()].find(({ name }) => name === "zlib") as ConcreteSpec;
  const specs = databases.python;
  return matchesQuery({ ...zlib, ...changes }, parseSpecQuery(query), (hash) => specs.get(hash));
}

const builtFor = (target: string, family: string, query: string): boolean =>
  changed({ arch: { platform: "linux", os: "debian12", target, family } }, query);

describe("matchesQuery", () => {
  it.each([
    ["zlib", ["zlib"]],
    ["zlib@1.2", ["zlib"]],
    ["zlib@=1.2", []],
    ["zlib@=1.2.13", ["zlib"]],
    ["zlib@1.2.8:", ["zlib"]],
    ["zlib@:1.2", ["zlib"]],
    ["zlib@:1.1,1.3:", []],
    ["zlib@1.1,1.2.10:1.2.13", ["zlib"]],
    ["@3:4", ["gmake", "libffi", "openssl", "python", "sqlite"]],
    ["/oiess", ["zlib"]],
    ["zlib/oiess", ["zlib"]],
    ["xz/oiess", []],
    ["fixtures.zlib", ["zlib"]],
    ["builtin.zlib", []],
    ["namespace=builtin @1", ["compiler-wrapper", "pkgconf"]],
    ["perl+threads", ["perl"]],
    ["perl ~threads", []],
    ["perl -cpanm", ["perl"]],
    ["perl threads=true cpanm=False", ["perl"]],
    ["+shared", ["perl"]],
    ["~nosuchvariant", []],
    ["gcc languages=c", ["gcc"]],
    ["gcc languages=c++,c", ["gcc"]],
    ['gcc languages="c,c++"', ["gcc"]],
    ["gcc languages=c,fortran", []],
    ["gcc languages:=c,c++", ["gcc"]],
    ["gcc languages:=c", []],
    ["languages=*", ["gcc"]],
    ["build_system=autotools", ["gcc", "glibc", "pkgconf"]],
    ["build_system=generic,autotools", []],
    ["build_type='RelWithDebInfo'", ["gcc"]],
  ])("finds by name, version, hash, variants: %s", (query, expected) => {
    expect(python(query)).toEqual(expected);
  });

  it.each([
    ["zlib arch=linux-debian12-x86_64_v3", 1],
    ["zlib arch=linux-debian11-x86_64_v3", 0],
    ["zlib os=debian12", 1],
    ["zlib os=rhel9,debian12", 1],
    ["zlib platform=darwin", 0],
    ["zlib target=x86_64_v3", 1],
    ["zlib target=x86_64", 0],
    ["zlib target=zen2,x86_64_v3", 1],
    ["zlib target=x86_64:", 1],
    ["zlib target=x86_64_v3:", 1],
    ["zlib target=x86_64_v4:", 0],
    ["zlib target=:x86_64_v4", 1],
    ["zlib target=:haswell", 1],
    ["zlib target=:x86_64_v2", 0],
    ["zlib target=x86_64_v2:x86_64_v4", 1],
    ["zlib target=aarch64:", 0],
    ["zlib target=nosuch:", 0],
    ["zlib target=*", 1],
  ])("finds by architecture: %s", (query, count) => {
    expect(python(query)).toHaveLength(count);
  });

  it("follows the ancestry of targets, also of ones that it doesn't know", () => {
    expect(builtFor("zen2", "x86_64", "target=x86_64_v3:")).toBe(true);
    expect(builtFor("zen2", "x86_64", "target=x86_64_v4:")).toBe(false);
    expect(builtFor("zen2", "x86_64", "target=haswell:")).toBe(false);
    expect(builtFor("zen9", "x86_64", "target=x86_64:")).toBe(true);
    expect(builtFor("zen9", "x86_64", "target=zen9")).toBe(true);
    expect(builtFor("neoverse_v1", "aarch64", "target=neoverse_n1:")).toBe(true);
  });

  it.each([
    ["greeter %gcc", ["greeter"]],
    ["greeter %gcc@12", ["greeter"]],
    ["greeter %gcc@12:", ["greeter"]],
    ["greeter %gcc@13:", []],
    ["greeter %clang", []],
    ["%c=gcc", ["greet-build-tool", "greet-plugin", "greeter", "libgreet"]],
    ["%cxx=gcc", []],
    ["%[virtuals=c deptypes=build] gcc", ["greet-build-tool", "greet-plugin", "greeter", "libgreet"]],
    ["%[deptypes=link] gcc", []],
    ["%c", ["greet-build-tool", "greet-plugin", "greeter", "libgreet"]],
    ["%gcc@12 languages=c", ["gcc-runtime", "greet-build-tool", "greet-plugin", "greeter", "libgreet"]],
    ["%gcc +binutils", []],
    ["%libgreet", ["greeter"]],
    ["^libgreet", ["greet-plugin", "greeter"]],
    ["^libgreet@2:", []],
    ["^libgreet~debug", ["greet-plugin", "greeter"]],
    ["^libgreet %gcc@12", ["greet-plugin", "greeter"]],
    ["^libgreet %gcc@11", []],
    ["^/vxd7hjt", ["greet-plugin", "greeter"]],
    ["^fixtures.libgreet target=x86_64_v3", ["greet-plugin", "greeter"]],
    ["^greeter ^greet-build-tool", ["greet-plugin"]],
    ["^greeter ^greet-plugin", []],
    ["libgreet ^libgreet", []],
    ["greeter ^libc", ["greeter"]],
    ["greeter ^libc=glibc@2.36", ["greeter"]],
    ["greeter ^libc@2", []],
    ["greeter ^[deptypes=build,link] libgreet", ["greeter"]],
    ["greeter ^[deptypes=run] libgreet", []],
  ])("finds by dependencies: %s", (query, expected) => {
    expect(small(query)).toEqual(expected);
  });

  it("follows dependencies through any number of others", () => {
    expect(python("^ncurses")).toEqual(["gdbm", "python", "readline", "sqlite"]);
    expect(python("@3.11 ^zlib@1.2:1.4 ^ncurses@6 %gcc@12 ^openssl ^perl+threads")).toEqual(["python"]);
  });

  it("compares edges by name and hash where the dependency isn't known", () => {
    const greeter = [...databases.small.values()].find(({ name }) => name === "greeter") as ConcreteSpec;
    const matches = (query: string): boolean => matchesQuery(greeter, parseSpecQuery(query), () => undefined);
    expect(matches("^libgreet")).toBe(true);
    expect(matches("^libgreet/vxd7")).toBe(true);
    expect(matches("^libgreet/abc")).toBe(false);
    expect(matches("^libgreet@1")).toBe(false);
    expect(matches("^libgreet ^gmake")).toBe(true);
  });

  it("leaves test dependencies out, and ends where edges run in a circle", () => {
    const edge = { name: "zlib", virtuals: [], deptypes: ["link"] };
    const one = { hash: "one", dependencies: [{ ...edge, name: "two", hash: "two" }] };
    const tested = { ...edge, hash: "b".repeat(32), deptypes: ["test"] };
    const two = {
      hash: "two",
      dependencies: [
        { ...edge, hash: "one" },
        { ...tested, name: "check" },
      ],
    };
    const specs = new Map([one, two].map((spec) => [spec.hash, { ...databases.small.values().next().value, ...spec }]));
    const lookup = (hash: string): ConcreteSpec | undefined => specs.get(hash) as ConcreteSpec | undefined;
    const matches = (query: string): boolean =>
      matchesQuery(lookup("one") as ConcreteSpec, parseSpecQuery(query), lookup);
    expect(matches("^two")).toBe(true);
    expect(matches("^nothing")).toBe(false);
    expect(matches("^check")).toBe(false);
  });

  it("takes all the flags that are asked for, and patches by the beginning of their checksum", () => {
    const parameters = new Map([
      ["cflags", ["-O3", "-g"]],
      ["patches", ["abcdef", "123456"]],
    ]);
    expect(changed({ parameters }, 'cflags="-g -O3"')).toBe(true);
    expect(changed({ parameters }, "cflags=-g")).toBe(true);
    expect(changed({ parameters }, 'cflags="-g -O2"')).toBe(false);
    expect(changed({ parameters }, "patches=abc")).toBe(true);
    expect(changed({ parameters }, "patches:=1234,abcd")).toBe(true);
    expect(changed({ parameters }, "patches=abc,999")).toBe(false);
  });

  it("knows the compiler of specs from before Spack 1.0, by its old and its new name", () => {
    const compiler = { name: "clang", version: "14.0.6" };
    const built = (query: string): boolean => changed({ compiler, dependencies: [] }, query);
    for (const query of ["%clang", "%llvm", "zlib %clang@14", "%clang@13:15", "%c=clang"])
      expect(built(query)).toBe(true);
    for (const query of ["%gcc", "%clang@15:", "%clang+flang", "^clang", "%mpi=clang"])
      expect(built(query)).toBe(false);
  });

  it("knows the compiler of a node that a newer Spack has rewritten", () => {
    const node = {
      name: "zlib",
      version: "1.2",
      hash: "abcdefg2345",
      arch: "linux-debian12-zen2",
      annotations: { original_specfile_version: 4, compiler: "gcc@=11.4.0" },
    };
    const context = { version: 5, what: "a node", code: "DATABASE_INVALID" } as const;
    const spec = parseSpecNode(node, JSON.stringify(node), context);
    expect(spec.compiler).toEqual({ name: "gcc", version: "11.4.0" });
    expect(matchesQuery(spec, parseSpecQuery("zlib %gcc@11"), () => undefined)).toBe(true);
  });

  it("finds every package of the fixtures by the text that Spack shows of it", () => {
    for (const specs of [databases.small, databases.python]) {
      for (const spec of specs.values()) expect(found(specs, formatSpec(spec))).toEqual([spec.name]);
    }
  });
});
