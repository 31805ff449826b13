import { type ConcreteSpec, parseSpecFile, parseSpecFormat } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { type FoundPackage, type FoundStyle, formatFound, type Surroundings } from "./found.js";
import type { Screen } from "./screen.js";

const screen: Screen = { colors: picocolors.createColors(false), width: undefined, unicode: true };
const style: FoundStyle = { hash: "none", variants: false, deps: false, missing: "not here" };

const arch = (target: string): object => ({ platform: "linux", platform_os: "debian12", target });
const hashOf = (letter: string): string => letter.repeat(32);
const edge = (name: string, letter: string, virtuals: string[] = [], deptypes = ["link"]): object => ({
  name,
  hash: hashOf(letter),
  parameters: { deptypes, virtuals },
});

/** curl links zlib and openssl, which links zlib too; all are compiled by gcc but bzip2. */
const nodes = [
  {
    name: "curl",
    version: "8.1",
    arch: arch("x86_64_v3"),
    hash: hashOf("c"),
    parameters: { tls: ["openssl"], shared: true, cflags: ["-O3"] },
    dependencies: [
      edge("gcc", "g", ["c", "cxx"], ["build"]),
      edge("zlib", "z"),
      edge("openssl", "o"),
      edge("libc", "l"),
    ],
  },
  {
    name: "openssl",
    version: "3.0",
    arch: arch("x86_64_v3"),
    hash: hashOf("o"),
    dependencies: [edge("gcc", "g", ["c", "cxx"], ["build"]), edge("zlib", "z")],
  },
  {
    name: "zlib",
    version: "1.3",
    arch: arch("zen4"),
    hash: hashOf("z"),
    dependencies: [edge("gcc", "g", ["c"], ["build"]), edge("libc", "l")],
  },
  { name: "gcc", version: "12.2.0", arch: arch("x86_64"), hash: hashOf("g"), external: { path: "/usr" } },
  { name: "libc", version: "2.36", arch: arch("x86_64"), hash: hashOf("l"), external: { path: "/usr" } },
  { name: "bzip2", version: "1.0", arch: arch("x86_64_v3"), hash: hashOf("b") },
];
const specs = new Map(
  nodes.map((node) => {
    const others = nodes.filter((other) => other !== node);
    const { root } = parseSpecFile(
      JSON.stringify({ spec: { _meta: { version: 5 }, nodes: [node, ...others] } }),
      "test",
    );
    return [root.hash, root];
  }),
);
const around: Surroundings = { known: (hash) => specs.get(hash), isPresent: (hash) => hash !== hashOf("o") };
const found = (...letters: string[]): FoundPackage[] =>
  letters.map((letter) => ({ spec: specs.get(hashOf(letter)) as ConcreteSpec }));

describe("formatFound", () => {
  it("groups packages by architecture and compiler, one a line where there is no terminal", () => {
    expect(formatFound(found("b", "c", "o", "z"), style, around, screen).split("\n")).toEqual([
      "-- linux-debian12-x86_64_v3 / %c,cxx=gcc@12.2.0 --",
      "curl@8.1",
      "openssl@3.0",
      "",
      "-- linux-debian12-x86_64_v3 / no compilers --",
      "bzip2@1.0",
      "",
      "-- linux-debian12-zen4 / %c=gcc@12.2.0 --",
      "zlib@1.3",
      "",
    ]);
  });

  it("fills the columns of a terminal", () => {
    const [title, line] = formatFound(found("c", "o"), style, around, { ...screen, width: 70 }).split("\n");
    expect(title).toBe(`-- linux-debian12-x86_64_v3 / %c,cxx=gcc@12.2.0 ${"-".repeat(70 - 48)}`);
    expect(line).toBe("curl@8.1  openssl@3.0");
  });

  it.each([
    ["short", "ccccccc curl@8.1"],
    ["long", `${"c".repeat(32)} curl@8.1`],
  ] as const)("puts the %s hash in front", (hash, line) => {
    expect(formatFound(found("c"), { ...style, hash }, around, screen).split("\n")[1]).toBe(line);
  });

  it("shows variants and flags, one package a line on a terminal too", () => {
    const lines = formatFound(found("c", "o"), { ...style, variants: true }, around, { ...screen, width: 200 });
    expect(lines.split("\n").slice(1)).toEqual(["curl@8.1 cflags=-O3 +shared tls:=openssl", "openssl@3.0", ""]);
  });

  it("shows dependencies as a tree, each with its own where it comes first, and says what is not there", () => {
    expect(
      formatFound(found("c"), { ...style, deps: true }, around, screen)
        .split("\n")
        .slice(1),
    ).toEqual([
      "curl@8.1",
      "├─ libc@2.36 [external]",
      "├─ openssl@3.0 [not here]",
      "│  └─ zlib@1.3",
      "│     └─ libc@2.36 [external]",
      "└─ zlib@1.3 (see above)",
      "",
    ]);
  });

  it("draws with ASCII where nothing else can be shown", () => {
    const lines = formatFound(found("c"), { ...style, deps: true }, around, { ...screen, unicode: false });
    expect(lines).toContain("\n|-- libc@2.36");
    expect(lines).toContain("\n`-- zlib@1.3");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
    expect(lines).toMatch(/^[\x00-\x7f]*$/);
  });

  it("says why packages of a group don't run here", () => {
    const unfit = found("z").map((one) => ({ ...one, unfit: "it is built for zen4" }));
    expect(formatFound(unfit, style, around, screen).split("\n")[1]).toBe(
      "   not for this machine: it is built for zen4",
    );
  });

  it("prints a format and nothing else, with nothing that steers a terminal", () => {
    const format = parseSpecFormat("{name}\\t{^zlib.version}\\t{prefix}");
    const packages = found("c").map((one) => ({ ...one, prefix: "/opt/\u001b[2J" }));
    expect(formatFound(packages, { ...style, format }, around, screen)).toBe("curl\t1.3\t/opt/\\x1b[2J\n");
  });

  it("is empty for nothing", () => {
    expect(formatFound([], style, around, screen)).toBe("");
  });
});
