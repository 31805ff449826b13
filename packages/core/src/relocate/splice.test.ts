import { describe, expect, it } from "vitest";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { parseSpecFile } from "../spack/spec-file.js";
import { prefixesByBuildHash } from "./splice.js";

interface Edge {
  readonly to: string;
  readonly virtuals?: readonly string[];
  readonly deptypes?: readonly string[];
}

const hashOf = (id: string): string => id.padEnd(32, "0");

function node(id: string, name: string, edges: readonly Edge[], buildSpec?: string): object {
  return {
    name,
    version: "1",
    arch: { platform: "linux", platform_os: "debian12", target: "x86_64" },
    parameters: {},
    dependencies: edges.map(({ to, virtuals = [], deptypes = ["link"] }) => ({
      name: to,
      hash: hashOf(to),
      parameters: { deptypes, virtuals },
    })),
    ...(buildSpec === undefined ? {} : { build_spec: { name, hash: hashOf(buildSpec) } }),
    hash: hashOf(id),
  };
}

function prefixes(...nodes: object[]): Record<string, string> {
  const text = JSON.stringify({ spec: { _meta: { version: 5 }, nodes } });
  const file = parseSpecFile(text, "spec.json");
  const nameOf = (spec: ConcreteSpec | undefined): string => spec?.hash.replace(/0+$/, "") ?? "";
  const found = prefixesByBuildHash(file, (hash) => `/new/${nameOf(file.nodes.get(hash))}`);
  return Object.fromEntries([...found].map(([hash, prefix]) => [hash.replace(/0+$/, ""), prefix]));
}

describe("prefixesByBuildHash", () => {
  it("is the package and its link and run dependencies by their own hashes", () => {
    const build = node("bbb", "cmake", []);
    const app = node("aaa", "app", [
      { to: "ccc" },
      { to: "bbb", deptypes: ["build"] },
      { to: "ddd", deptypes: ["run"] },
    ]);
    expect(prefixes(app, build, node("ccc", "zlib", []), node("ddd", "perl", []))).toEqual({
      aaa: "/new/aaa",
      ccc: "/new/ccc",
      ddd: "/new/ddd",
    });
  });

  it("leads from what a spliced package was built with to what took its place", () => {
    const spliced = node("eee", "app", [{ to: "fff" }, { to: "ccc" }], "aaa");
    const built = node("aaa", "app", [{ to: "bbb" }, { to: "ccc" }]);
    const nodes = [spliced, built, node("bbb", "zlib", []), node("fff", "zlib", []), node("ccc", "xz", [])];
    expect(prefixes(...nodes)).toEqual({ aaa: "/new/eee", bbb: "/new/fff", ccc: "/new/ccc" });
  });

  it("finds a provider of the same virtual package where the name is another", () => {
    const spliced = node("eee", "app", [{ to: "fff", virtuals: ["mpi"] }], "aaa");
    const built = node("aaa", "app", [{ to: "bbb", virtuals: ["mpi"] }, { to: "ccc" }]);
    const nodes = [spliced, built, node("bbb", "mpich", []), node("fff", "openmpi", []), node("ccc", "xz", [])];
    expect(prefixes(...nodes)).toEqual({ aaa: "/new/eee", bbb: "/new/fff" });
  });
});
