import { describe, expect, it } from "vitest";
import { parseSpecQuery } from "./parse-spec-query.js";

function errorFor(text: string): { message: string; hint?: string; code?: string } {
  try {
    parseSpecQuery(text);
  } catch (error) {
    return error as { message: string };
  }
  throw new Error(`${text} was read`);
}

describe("parseSpecQuery", () => {
  it.each([
    ["zlib", { name: "zlib" }],
    ["zlib-ng", { name: "zlib-ng" }],
    ["zlib/abc", { name: "zlib", hash: "abc" }],
    ["zlib@1.2/abc", { name: "zlib", versions: [{ from: "1.2", to: "1.2" }], hash: "abc" }],
    ["/abc", { hash: "abc" }],
    ["builtin.zlib", { namespace: "builtin", name: "zlib" }],
    ["my.repo.zlib@1", { namespace: "my.repo", name: "zlib" }],
    ["zlib namespace=builtin", { namespace: "builtin", name: "zlib" }],
    ["@1.2", { versions: [{ from: "1.2", to: "1.2" }] }],
    ["*", { versions: [] }],
    ["*@2", { versions: [{ from: "2", to: "2" }] }],
    ["platform=*", { platforms: [] }],
    [" zlib @1.2: ", { name: "zlib", versions: [{ from: "1.2", to: undefined }] }],
    ["zlib@1.2: foo=bar", { name: "zlib", parameters: [{ name: "foo", values: ["bar"], only: false }] }],
  ])("reads %s", (text, expected) => {
    expect(parseSpecQuery(text)).toMatchObject(expected);
  });

  it.each([
    ["x+debug", { name: "debug", on: true }],
    ["x~debug", { name: "debug", on: false }],
    ["x -debug", { name: "debug", on: false }],
    ["x ++debug", { name: "debug", on: true }],
    ["x ~~debug", { name: "debug", on: false }],
    ["x --debug", { name: "debug", on: false }],
    ["x + debug", { name: "debug", on: true }],
    ["x debug=True", { name: "debug", on: true }],
    ["x languages=c,c++", { name: "languages", values: ["c", "c++"], only: false }],
    ["x languages:=c", { name: "languages", values: ["c"], only: true }],
    ["x languages==c", { name: "languages", values: ["c"], only: false }],
    ["x languages=*", { name: "languages", values: [], only: false }],
    ['x cflags="-O3 -g"', { name: "cflags", values: ["-O3", "-g"], only: false }],
    ["x cppflags='-DA=\\'b\\''", { name: "cppflags", values: ["-DA='b'"], only: false }],
    ['x label="a \\"b\\" \\n"', { name: "label", values: ['a "b" \\n'], only: false }],
    ["x path=/opt/a+b", { name: "path", values: ["/opt/a+b"], only: false }],
  ])("reads the variant in %s", (text, expected) => {
    expect(parseSpecQuery(text)).toMatchObject({ name: "x", parameters: [expected] });
  });

  it("reads architectures", () => {
    expect(parseSpecQuery("x arch=linux-debian12-x86_64_v3")).toMatchObject({
      platforms: ["linux"],
      systems: ["debian12"],
      targets: [{ from: "x86_64_v3", to: "x86_64_v3" }],
    });
    expect(parseSpecQuery("x arch=linux-None-zen2:")).toMatchObject({
      systems: [],
      targets: [{ from: "zen2", to: undefined }],
    });
    expect(parseSpecQuery("x platform=linux os=rhel9,debian12 target=zen2,:haswell,a:b")).toMatchObject({
      platforms: ["linux"],
      systems: ["rhel9", "debian12"],
      targets: [
        { from: "zen2", to: "zen2" },
        { from: undefined, to: "haswell" },
        { from: "a", to: "b" },
      ],
    });
  });

  it("reads the whole example of Spack's documentation", () => {
    const query = parseSpecQuery("mpileaks@1.2:1.4 +debug ~qt target=x86_64_v3 %gcc@15 ^libelf@1.1 %clang@20");
    expect(query).toMatchObject({
      name: "mpileaks",
      versions: [{ from: "1.2", to: "1.4" }],
      parameters: [
        { name: "debug", on: true },
        { name: "qt", on: false },
      ],
      dependencies: [
        { direct: true, query: { name: "gcc", versions: [{ from: "15", to: "15" }] } },
        { direct: false, query: { name: "libelf", dependencies: [{ direct: true, query: { name: "clang" } }] } },
      ],
    });
  });

  it("gives what stands behind a dependency to the dependency", () => {
    const { parameters, dependencies } = parseSpecQuery("a +x ^b@2 +y ^ c");
    expect(parameters).toEqual([{ name: "x", on: true }]);
    expect(dependencies.map(({ query }) => [query.name, query.parameters])).toEqual([
      ["b", [{ name: "y", on: true }]],
      ["c", []],
    ]);
  });

  it.each([
    ["a %c,cxx=gcc@12", { direct: true, virtuals: ["c", "cxx"], deptypes: [], query: { name: "gcc" } }],
    ["a ^mpi=builtin.openmpi", { direct: false, virtuals: ["mpi"], query: { name: "openmpi", namespace: "builtin" } }],
    ["a ^[virtuals=mpi deptypes=link,run] openmpi", { virtuals: ["mpi"], deptypes: ["link", "run"] }],
    ["a %[deptypes=build] c=gcc", { virtuals: ["c"], deptypes: ["build"], query: { name: "gcc" } }],
    ["a %%gcc", { direct: true, query: { name: "gcc" } }],
    ["%gcc", { direct: true, query: { name: "gcc" } }],
    ["^/abc", { direct: false, query: { hash: "abc" } }],
  ])("reads the edge in %s", (text, expected) => {
    expect(parseSpecQuery(text)).toMatchObject({ dependencies: [expected] });
  });

  it.each([
    ["", 1, "its end"],
    ["   ", 4, "its end"],
    ["zlib+", 6, "its end"],
    ["zlib ^", 7, "its end"],
    ["zlib ^^gmake", 7, '"^"'],
    ["zlib %", 7, "its end"],
    ["zlib@", 6, "its end"],
    ["zlib@1.2,", 10, "its end"],
    ["zlib@1@2", 8, '"2"'],
    ["zlib@=1.2:", 10, '":"'],
    ["zlib foo=", 10, "its end"],
    ['zlib foo="a', 10, '"\\""'],
    ["zlib hdf5", 6, '"h"'],
    ["zlib!", 5, '"!"'],
    ["/", 2, "its end"],
    ["zlib/", 6, "its end"],
    ["/ABC", 2, '"A"'],
    ["/abc/def", 6, '"d"'],
    ["../x", 1, '"."'],
    ["zlib arch=linux", 16, "its end"],
    ["a ^[when=x] b", 5, '"w"'],
    ["a ^[virtuals=mpi", 17, "its end"],
    ["zlib é", 6, '"é"'],
    ["zlib \u{1f600}", 6, '"\u{1f600}"'],
  ])("refuses %j at character %i", (text, at, found) => {
    const { code, message, hint } = errorFor(text);
    expect(code).toBe("INVALID_ARGUMENT");
    expect(message).toContain(`error at character ${at} (${found})`);
    expect(hint).toMatch(/^Expected .*\.$/);
  });

  it("says on one line and in plain characters what it refuses, however long", () => {
    for (const text of ["a\u001b[2J\n", "a \u009b2J", "a \u202e", "a \u2028!", "a\0", `a ${"^".repeat(100_000)}`]) {
      const { message } = errorFor(text);
      expect(message).toMatch(/^[\x20-\x7e]+$/);
      expect(message.length).toBeLessThan(300);
    }
  });

  it("doesn't take names of object members for anything special", () => {
    expect(parseSpecQuery("__proto__ constructor=toString")).toMatchObject({
      name: "__proto__",
      parameters: [{ name: "constructor", values: ["toString"] }],
    });
  });
});
