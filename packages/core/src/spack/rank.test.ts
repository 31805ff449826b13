import { readFile } from "node:fs/promises";
import { fixturePath } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { ConcreteSpec } from "./concrete-spec.js";
import { parseDatabase } from "./database.js";
import { describeHost, type Host } from "./host.js";
import { libcOf, rankForHost, runsOn } from "./rank.js";
import { parseSpecFile } from "./spec-file.js";

const FLAGS =
  "cx16 lahf_lm mmx sse sse2 ssse3 sse4_1 sse4_2 popcnt avx avx2 bmi1 bmi2 f16c fma abm movbe xsave " +
  "fsgsbase rdseed clzero aes pclmulqdq sse4a xsavec xsaveopt clflushopt clwb vaes vpclmulqdq pku";

const host: Host = describeHost({
  platform: "linux",
  machine: "x86_64",
  release: "6.1.0",
  processorName: "",
  osRelease: "ID=debian\nVERSION_ID=12\n",
  debianVersion: "",
  cpuInfo: `vendor_id : AuthenticAMD\nflags : ${FLAGS}\n`,
  libc: { name: "glibc", version: "2.36" },
});

let count = 0;

interface Given {
  readonly version?: string;
  readonly platform?: string;
  readonly os?: string;
  readonly target?: string | object;
  readonly libc?: string;
  readonly specfile?: number;
}

/** A package with its C library, if it has one, and what can be looked up. */
function packageOf(given: Given): { spec: ConcreteSpec; known: Map<string, ConcreteSpec> } {
  const { version = "1.0", platform = "linux", os = "debian12", target = "x86_64_v3", libc, specfile = 5 } = given;
  count += 1;
  const hash = String(count).padStart(32, "h");
  const arch = { platform, platform_os: os, target };
  const [libcName = "", libcVersion = ""] = libc?.split("@") ?? [];
  const edge = { name: libcName, hash: `l${hash.slice(1)}`, parameters: { deptypes: ["link"], virtuals: ["libc"] } };
  const nodes = [
    { name: "tool", version, arch, dependencies: libc === undefined ? [] : [edge], hash },
    ...(libc === undefined ? [] : [{ name: libcName, version: libcVersion, arch, hash: edge.hash }]),
  ];
  const file = parseSpecFile(JSON.stringify({ spec: { _meta: { version: specfile }, nodes } }), "spec");
  return { spec: file.root, known: new Map(file.nodes) };
}

function fitOf(given: Given) {
  const { spec, known } = packageOf(given);
  return runsOn(spec, host, known);
}

describe("runsOn", () => {
  it.each<[string, Given]>([
    ["a generic target below the processor's", { libc: "glibc@2.36" }],
    ["the processor's own target", { target: "zen3", libc: "glibc@2.31" }],
    ["no C library known, but the same system", { specfile: 4 }],
  ])("takes a package for the same system with %s", (_what, given) => {
    expect(fitOf(given)).toEqual({ ok: true, sameOs: true });
  });

  it.each<[string, Given]>([
    ["an older C library", { os: "centos7", libc: "glibc@2.17" }],
    ["the same C library", { os: "ubuntu22.10", libc: "glibc@2.36" }],
    ["nothing compiled in it", { os: "rhel9" }],
  ])("takes a package for another system with %s", (_what, given) => {
    expect(fitOf(given)).toEqual({ ok: true, sameOs: false });
  });

  it.each<[string, Given, string]>([
    ["platform", { platform: "darwin" }, "it is built for darwin, and this machine has linux"],
    ["vendor", { target: "haswell" }, "it is built for haswell, and this machine is zen3"],
    ["newer processor", { target: "zen4" }, "it is built for zen4, and this machine is zen3"],
    ["family", { target: "aarch64" }, "it is built for aarch64, and this machine is zen3"],
    [
      "newer C library, even of the same system",
      { libc: "glibc@2.40" },
      "it is built for debian12 with glibc 2.40, and this machine has glibc 2.36",
    ],
    [
      "other C library",
      { os: "alpine3", libc: "musl@1.2.4" },
      "it is built for alpine3 with musl 1.2.4, and this machine has glibc 2.36",
    ],
    [
      "other system, C library unknown",
      { os: "rhel9", specfile: 4 },
      "it is built for rhel9, and this machine has debian12",
    ],
  ])("refuses a package of another %s and says why", (_what, given, why) => {
    expect(fitOf(given)).toEqual({ ok: false, why });
  });

  it("takes a target that it doesn't know by the features that the spec names", () => {
    const target = { name: "zen3_special", vendor: "AuthenticAMD", features: ["avx2", "pku"], parents: ["zen3"] };
    expect(fitOf({ target })).toMatchObject({ ok: true });
    expect(fitOf({ target: { ...target, features: ["avx2", "avx512f"] } })).toMatchObject({ ok: false });
    expect(fitOf({ target: { ...target, vendor: "GenuineIntel" } })).toMatchObject({ ok: false });
    expect(fitOf({ target: { ...target, features: [] } })).toMatchObject({ ok: false });
  });

  it("runs the real packages of Debian 12", async () => {
    const database = parseDatabase(await readFile(fixturePath("small/store-index.json"), "utf8"), "fixture");
    const known = new Map([...database.records].map(([hash, { spec }]) => [hash, spec]));
    const greeter = [...known.values()].find(({ name }) => name === "greeter") as ConcreteSpec;
    expect(libcOf(greeter, known)).toEqual({ name: "glibc", version: "2.36" });
    expect(runsOn(greeter, host, known)).toEqual({ ok: true, sameOs: true });
    const fedora: Host = { ...host, os: "fedora36", libc: { name: "glibc", version: "2.35" } };
    expect(runsOn(greeter, fedora, known)).toMatchObject({ ok: false, why: expect.stringContaining("glibc 2.36") });
  });
});

describe("libcOf", () => {
  it("finds the newest one below what is linked or run, and none by build edges", () => {
    const arch = { platform: "linux", platform_os: "debian12", target: "x86_64" };
    const hashOf = (name: string): string => name.padEnd(32, "a");
    const node = (name: string, version: string, edges: Record<string, string>) => ({
      name: name.replace(/\d$/, ""),
      version,
      arch,
      dependencies: Object.entries(edges).map(([need, kind]) => ({
        name: need.replace(/\d$/, ""),
        hash: hashOf(need),
        parameters: { deptypes: [kind], virtuals: [] },
      })),
      hash: hashOf(name),
    });
    const nodes = [
      node("script", "1", { tool: "run", maker: "build" }),
      node("tool", "1", { glibc1: "link", lib: "link" }),
      node("lib", "1", { glibc2: "link" }),
      node("maker", "1", { glibc3: "link" }),
      node("glibc1", "2.31", {}),
      node("glibc2", "2.35", {}),
      node("glibc3", "2.40", {}),
    ];
    const { root, nodes: known } = parseSpecFile(JSON.stringify({ spec: { _meta: { version: 5 }, nodes } }), "spec");
    expect(libcOf(root, known)).toEqual({ name: "glibc", version: "2.35" });
    const incomplete = new Map([...known].filter(([hash]) => hash !== hashOf("tool")));
    expect(libcOf(root, incomplete)).toBe("unknown");
  });
});

describe("rankForHost", () => {
  function rank(given: Record<string, Given>) {
    const all = Object.entries(given).map(([name, one]) => ({ name, ...packageOf(one) }));
    const known = new Map(all.flatMap((one) => [...one.known]));
    const nameOf = (spec: ConcreteSpec) => all.find((one) => one.spec === spec)?.name;
    const ranking = rankForHost(
      all.map(({ spec }) => spec),
      host,
      known,
    );
    return {
      best: ranking.best.map(nameOf),
      others: ranking.others.map(nameOf),
      unfit: ranking.unfit.map(({ spec }) => nameOf(spec)),
    };
  }

  it("prefers the same system, then the more specific target, then the newer version", () => {
    expect(
      rank({
        newest: { version: "3.0", os: "centos7", target: "zen3", libc: "glibc@2.17" },
        generic: { version: "2.0", target: "x86_64" },
        older: { version: "1.9", target: "zen2" },
        newer: { version: "1.10", target: "zen2" },
        alien: { version: "9", target: "haswell" },
      }),
    ).toEqual({ best: ["newer"], others: ["older", "generic", "newest"], unfit: ["alien"] });
  });

  it("leaves a tie a tie", () => {
    expect(rank({ a: {}, b: {}, c: { version: "0.9" } })).toEqual({ best: ["a", "b"], others: ["c"], unfit: [] });
  });

  it("has nothing where nothing fits", () => {
    expect(rank({ a: { platform: "darwin" } })).toEqual({ best: [], others: [], unfit: ["a"] });
  });
});
