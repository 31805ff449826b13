import { describe, expect, it } from "vitest";
import { SpkociError } from "../base/errors.js";
import { RawJson } from "../base/json.js";
import type { InstallRecord } from "../spack/install-store.js";
import { type LayerKnowledge, planLayers } from "./plan.js";

function record(name: string): InstallRecord {
  const hash = name.padEnd(32, "a");
  return {
    spec: {
      name,
      version: "1.0",
      hash,
      arch: { platform: "linux", os: "debian12", target: "x86_64_v3", family: "x86_64" },
      dependencies: [],
      parameters: new Map(),
      propagated: new Set(),
      specfileVersion: 5,
      originalSpecfileVersion: 5,
      node: new RawJson("{}"),
    },
    prefix: `/spack/${name}`,
    path: `/spack/${name}`,
    installed: true,
    explicit: true,
    external: false,
    root: "/spack",
  };
}

const library = record("lib");
const tool = record("tool");
const program = record("program");
const layers = new Map([
  [library, [library]],
  [tool, [library, tool]],
  [program, [library, tool, program]],
]);

function plan(changes: Partial<LayerKnowledge>) {
  return planLayers({
    packages: [library, tool, program],
    imageLayersOf: (wanted) => layers.get(wanted) ?? [],
    inTarget: new Set(),
    problems: new Map(),
    force: false,
    ...changes,
  });
}

const verdicts = (changes: Partial<LayerKnowledge>): string[] => plan(changes).map(({ verdict }) => verdict);
const hashes = (...records: InstallRecord[]): Set<string> => new Set(records.map(({ spec }) => spec.hash));

describe("planLayers", () => {
  it("pushes everything into an empty cache", () => {
    expect(verdicts({})).toEqual(["push", "push", "push"]);
  });

  it("compares images whose layers are all there", () => {
    expect(verdicts({ inTarget: hashes(library, tool, program) })).toEqual(["compare", "compare", "compare"]);
  });

  it("rewrites an image whose dependency gets a new layer, and makes no tarball for it", () => {
    expect(verdicts({ inTarget: hashes(program) })).toEqual(["push", "push", "rewrite"]);
  });

  it("makes every layer anew when forced", () => {
    expect(verdicts({ inTarget: hashes(library, tool, program), force: true })).toEqual(["push", "push", "push"]);
  });

  it("takes a dependency's layer from the cache when only the package is pushed", () => {
    const [only] = plan({ packages: [program], inTarget: hashes(library) });
    expect(only?.layers).toEqual([library, program]);
    expect(only?.missing).toEqual([tool]);
    expect(only?.verdict).toBe("push");
  });

  it("fails a package with a problem, and those that need it, and no others", () => {
    const problem = new SpkociError("DAG_HASH_MISMATCH", "tool is not what it says");
    const plans = plan({ problems: new Map([[tool.spec.hash, problem]]) });
    expect(plans.map(({ verdict }) => verdict)).toEqual(["push", "fail", "fail"]);
    expect(plans[1]?.problem).toBe(problem);
    expect(plans[2]?.problem).toMatchObject({
      code: "DEPENDENCY_FAILED",
      message: expect.stringContaining("tool@1.0"),
    });
  });

  it("tells the tag that the package gets", () => {
    expect(plan({})[0]?.tag).toBe(`lib-1.0-${library.spec.hash}.spack`);
  });
});
