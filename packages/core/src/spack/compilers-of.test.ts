import { readFile } from "node:fs/promises";
import { fixturePath } from "@spkoci/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import { compilersOf, formatCompiler } from "./compilers-of.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { parseDatabase } from "./database.js";

let specs: Map<string, ConcreteSpec>;

beforeAll(async () => {
  const { records } = parseDatabase(await readFile(fixturePath("small/store-index.json"), "utf8"), "db");
  specs = new Map([...records].map(([hash, { spec }]) => [hash, spec]));
});

const named = (name: string): ConcreteSpec => [...specs.values()].find((spec) => spec.name === name) as ConcreteSpec;
const compilers = (spec: ConcreteSpec): string[] => compilersOf(spec, (hash) => specs.get(hash)).map(formatCompiler);

describe("compilersOf", () => {
  it("finds what provides a language to a package", () => {
    expect(compilers(named("greeter"))).toEqual(["%c=gcc@12.2.0"]);
  });

  it("finds none where nothing was compiled, even if a compiler is a dependency", () => {
    expect(named("gcc-runtime").dependencies.map(({ name }) => name)).toContain("gcc");
    expect(compilers(named("gcc-runtime"))).toEqual([]);
  });

  it("names the languages of each compiler, c first", () => {
    const edge = { deptypes: ["build"], hash: "x".repeat(32) };
    const dependencies = [
      { ...edge, name: "gcc", virtuals: ["fortran"] },
      { ...edge, name: "llvm", virtuals: ["cxx", "c"] },
      { ...edge, name: "openmpi", virtuals: ["mpi"] },
    ];
    expect(compilers({ ...named("greeter"), dependencies })).toEqual(["%c,cxx=llvm", "%fortran=gcc"]);
  });

  it("takes the compiler that packages before Spack 1.0 name themselves", () => {
    const old = { ...named("greeter"), dependencies: [], compiler: { name: "clang", version: "15.0" } };
    expect(compilers(old)).toEqual(["%clang@15.0"]);
  });
});
