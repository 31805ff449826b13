import type { CacheReport, Dependency, ReportedPackage } from "@spkoci/core";
import { digestOf } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import { pageDataOf } from "./page-data-of.js";

const DIGEST = digestOf("x");

function packageOf(name: string, hash: string, more: Partial<ReportedPackage> = {}): ReportedPackage {
  return {
    name,
    version: "1.0",
    hash,
    spec: `${name}@=1.0`,
    arch: { platform: "linux", os: "debian12", target: "zen4", family: "x86_64" },
    image: `oci:cache:${name}`,
    digest: DIGEST,
    layers: [0],
    documentSize: 5,
    created: undefined,
    dependencies: [],
    ...more,
  };
}

const edge = (name: string, hash: string, ...deptypes: string[]): Dependency => ({
  name,
  hash,
  deptypes,
  virtuals: [],
});

function reportOf(packages: readonly ReportedPackage[]): CacheReport {
  const totals = { packages: packages.length, broken: 0, layers: 0, storedSize: 0, unsharedSize: 0 };
  const layer = { digest: DIGEST, size: 7, images: 1 };
  const layers = [
    { ...layer, package: packages[0]?.hash },
    { ...layer, package: "elsewhere" },
    { ...layer, package: undefined },
  ];
  return { source: "oci:cache", indexed: true, packages, layers, broken: [], totals };
}

describe("pageDataOf", () => {
  it("sorts dependencies into those to run, those to build, and those that aren't there", () => {
    const edges = [
      edge("b", "bbbbbbbb", "build", "link"),
      edge("c", "cccccccc", "build"),
      edge("c", "cccccccc", "test"),
      edge("gcc", "gccgccgcc", "build"),
      edge("glibc", "glibcglibc", "link"),
    ];
    const packages = [
      packageOf("a", "aaaaaaaa", { dependencies: edges }),
      packageOf("b", "bbbbbbbb"),
      packageOf("c", "cccccccc"),
    ];
    const [first] = pageDataOf(reportOf(packages), [], "spkoci").packages;
    expect(first).toMatchObject({ runs: [1], builds: [2], lacks: ["gcc/gccgccg (build)", "glibc/glibcgl"] });
  });

  it("names the packages of layers by position, and none for others", () => {
    const { layers } = pageDataOf(reportOf([packageOf("a", "aaaaaaaa")]), [], "spkoci");
    expect(layers.map((layer) => layer.package)).toEqual([0, null, null]);
  });

  it("lists architectures by how many packages they have", () => {
    const arch = { platform: "linux", os: "debian12", target: "a64fx", family: "aarch64" };
    const packages = [packageOf("a", "a", { arch }), packageOf("b", "b"), packageOf("c", "c")];
    const data = pageDataOf(reportOf(packages), [], "spkoci");
    expect(data.architectures).toEqual(["linux-debian12-zen4", "linux-debian12-a64fx"]);
    expect(data.packages.map(({ architecture }) => architecture)).toEqual([1, 0, 0]);
  });

  it("has times as numbers, and texts in which nothing can hide", () => {
    const created = "2026-11-21T03:40:17.129Z";
    const report = reportOf([packageOf("a", "a", { created, version: "1\u202e0", spec: "a\u001b[2J" })]);
    const data = pageDataOf({ ...report, source: "oci:\u2066x" }, ["a\u200f"], "spkoci");
    expect(data.packages[0]).toMatchObject({ created: Date.parse(created), version: "1\\u202e0", spec: "a\\x1b[2J" });
    expect([data.source, ...data.queries]).toEqual(["oci:\\u2066x", "a\\u200f"]);
  });
});
