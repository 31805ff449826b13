import { readFile } from "node:fs/promises";
import { fixturePath } from "@spkoci/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import type { ConcreteSpec } from "./concrete-spec.js";
import { parseDatabase } from "./database.js";
import { formatSpecAs, parseSpecFormat } from "./spec-format.js";

let specs: Map<string, ConcreteSpec>;

beforeAll(async () => {
  const { records } = parseDatabase(await readFile(fixturePath("python/store-index.json"), "utf8"), "db");
  specs = new Map([...records].map(([hash, { spec }]) => [hash, spec]));
});

function formatted(format: string, changes: Partial<ConcreteSpec> = {}, prefix?: string): string {
  const sqlite = [...specs.values()].find(({ name }) => name === "sqlite") as ConcreteSpec;
  const known = (hash: string): ConcreteSpec | undefined => specs.get(hash);
  return formatSpecAs(parseSpecFormat(format), { ...sqlite, ...changes }, { known, prefix });
}

const PARAMETERS = new Map<string, string | boolean | readonly string[]>([
  ["fts", true],
  ["debug", false],
  ["api", ["v2", "v1"]],
  ["cflags", ["-O3", "-g"]],
]);

describe("formatSpecAs", () => {
  it.each([
    // The examples of Spack's documentation of `spack find --format`.
    ["{name}-{version}-{hash}", "sqlite-3.40.1-kwzidw7fgn72gpumap6ylfhk4vn2gmke"],
    ["{hash:7}", "kwzidw7"],
    // Those of Spec.format.
    [
      "{name}{@version}{%compiler.name}{@compiler.version}{ arch=architecture}",
      "sqlite@3.40.1%gcc@12.2.0 arch=linux-debian12-x86_64_v3",
    ],
    ["{name}{@version}{/hash:7}", "sqlite@3.40.1/kwzidw7"],
    ["{%compiler}", "%gcc@12.2.0"],
    ["{architecture.platform}/{architecture.os}/{architecture.target}", "linux/debian12/x86_64_v3"],
    [
      "{ platform=architecture.platform}{ os=architecture.os}{ target=architecture.target}",
      " platform=linux os=debian12 target=x86_64_v3",
    ],
    ["{namespace}.{name} {fullname}", "fixtures.sqlite fixtures.sqlite"],
    ["{name}{ namespace=namespace_if_anonymous}", "sqlite"],
    ["{^zlib.version} {^zlib.name}{@^zlib.version}", "1.2.13 zlib@1.2.13"],
    ["{^ncurses.version}", "6.4"],
    ["{^libc.name}", "glibc"],
    ["{^mpi.name}", ""],
    ["\\{{name}\\} \\\\", "{sqlite} \\"],
    ["{name}\\t{version}\\n", "sqlite\t3.40.1\n"],
    ["{variants.fts}{variants.nosuch}", ""],
    ["plain", "plain"],
  ])("writes %j", (format, expected) => {
    expect(formatted(format)).toBe(expected);
  });

  it.each([
    ["{variants}", "~debug+fts api:=v1,v2"],
    ["{variants.fts} {variants.debug} {variants.api}", "+fts ~debug api:=v1,v2"],
    ["{variants.api.name}={variants.api.value}", "api=v2,v1"],
    ["{compiler_flags}", " cflags='-O3 -g' "],
    ["{compiler_flags.cflags}", "-O3 -g"],
    ["{name}{@version}{compiler_flags}{variants}", "sqlite@3.40.1 cflags='-O3 -g' ~debug+fts api:=v1,v2"],
  ])("writes variants and flags: %s", (format, expected) => {
    expect(formatted(format, { parameters: PARAMETERS })).toBe(expected);
  });

  it("writes no sigil in front of nothing", () => {
    expect(formatted("{name}{%compiler}{ namespace=namespace}", { dependencies: [], namespace: undefined })).toBe(
      "sqlite",
    );
  });

  it("names a compiler without a version that isn't known", () => {
    const sqlite = [...specs.values()].find(({ name }) => name === "sqlite") as ConcreteSpec;
    expect(formatSpecAs(parseSpecFormat("{%compiler} {compilers}"), sqlite, { known: () => undefined })).toBe(
      "%gcc gcc",
    );
  });

  it("knows the prefix of the package, and none of its dependencies", () => {
    expect(formatted("{prefix}", {}, "/opt/sqlite")).toBe("/opt/sqlite");
    expect(formatted("{^zlib.prefix}", {}, "/opt/sqlite")).toBe("");
  });

  it("cleans values and leaves the format's own text alone", () => {
    const [one] = specs.values();
    const format = parseSpecFormat("\\t{name}");
    expect(formatSpecAs(format, one as ConcreteSpec, { known: () => undefined, clean: () => "clean" })).toBe("\tclean");
  });
});

describe("parseSpecFormat", () => {
  it.each([
    ["{nmae}", 2, "an attribute: name, "],
    ["{name", 6, "}"],
    ["{name}}", 7, "text, {attribute}"],
    ["{}", 2, "an attribute: name, "],
    ["{hash:x}", 6, "}"],
    ["{__proto__}", 2, "an attribute: name, "],
    ["a\\", 2, "text, {attribute}"],
  ])("points at what can't stand in %j", (format, at, expected) => {
    expect(() => parseSpecFormat(format)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining(`is no format: error at character ${at} `),
        hint: expect.stringContaining(`Expected ${expected}`),
      }),
    );
  });
});
