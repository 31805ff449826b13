import { describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { RawJson } from "../base/json.js";
import type { ConcreteSpec, Dependency } from "../spack/concrete-spec.js";
import { decideAction, selectPackages, waitsOf } from "./plan.js";

function edge(name: string, ...deptypes: string[]): Dependency {
  return { name, hash: `${name}hash`, deptypes, virtuals: [] };
}

function specOf(name: string, dependencies: readonly Dependency[] = [], external = false): ConcreteSpec {
  return {
    name,
    version: "1",
    hash: `${name}hash`,
    arch: { platform: "linux", os: "debian12", target: "x86_64", family: "x86_64" },
    dependencies,
    parameters: new Map(),
    propagated: new Set(),
    specfileVersion: 5,
    originalSpecfileVersion: 5,
    node: new RawJson("{}"),
    ...(external && { external: {} }),
  };
}

const LIBC = specOf("libc", [], true);
const TOOL = specOf("tool", [edge("libc", "link")]);
const LIBRARY = specOf("library", [edge("libc", "link"), edge("tool", "build")]);
const PROGRAM = specOf("program", [edge("library", "build", "link"), edge("lost", "run"), edge("tool", "build")]);
const PLUGIN = specOf("plugin", [edge("program", "run")]);

const known = new Map([PLUGIN, PROGRAM, LIBRARY, TOOL, LIBC].map((spec) => [spec.hash, spec]));
const DEFAULTS = { noDeps: false, required: true };

function namesOf(items: readonly { readonly spec: ConcreteSpec }[]): string[] {
  return items.map(({ spec }) => spec.name);
}

describe("packages to copy", () => {
  it("are those that were chosen and what they reach by link and run edges, dependencies first, external ones not", () => {
    const { items, unknown } = selectPackages({ known }, [PLUGIN], DEFAULTS);
    expect(namesOf(items)).toEqual(["library", "program", "plugin"]);
    expect(items.map(({ tag }) => tag)).toContain("library-1-libraryhash.spack");
    expect(items.map(({ required }) => required)).toEqual([false, false, true]);
    expect(unknown.map(({ name }) => name)).toEqual(["lost"]);
  });

  it("are the chosen ones alone without their dependencies, still in order", () => {
    const { items, unknown } = selectPackages({ known }, [PLUGIN, LIBRARY, PROGRAM], { ...DEFAULTS, noDeps: true });
    expect(namesOf(items)).toEqual(["library", "program", "plugin"]);
    expect(unknown).toEqual([]);
  });

  it("are each there once, however many need them", () => {
    const { items } = selectPackages({ known }, [PROGRAM, PLUGIN, PROGRAM], DEFAULTS);
    expect(namesOf(items)).toEqual(["library", "program", "plugin"]);
  });

  it("whose dependencies run in a circle are refused", () => {
    const circle = [specOf("a", [edge("b", "link")]), specOf("b", [edge("a", "link")])];
    const all = new Map(circle.map((spec) => [spec.hash, spec]));
    expect(() => selectPackages({ known: all }, circle, DEFAULTS)).toThrow(
      expect.objectContaining({ code: "SPEC_INVALID" }),
    );
  });

  it("wait for those before them that they need to run, and not for what built them", () => {
    const { items } = selectPackages({ known }, [TOOL, PLUGIN], DEFAULTS);
    const waits = new Map([...waitsOf(items)].map(([item, needed]) => [item.spec.name, namesOf(needed)]));
    expect(Object.fromEntries(waits)).toEqual({ tool: [], library: [], program: ["library"], plugin: ["program"] });
  });
});

describe("a tag", () => {
  const [a, b] = [digestOf("a"), digestOf("b")];
  it.each([
    [a, undefined, "copy"],
    [a, b, "replace"],
    [a, a, "skip"],
    [undefined, a, "missing"],
    [undefined, undefined, "missing"],
  ])("that is %s here and %s there: %s", (source, target, action) => {
    expect(decideAction(source, target)).toBe(action);
  });
});
