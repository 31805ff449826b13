import {
  buildPackage,
  createTemporaryFolder,
  putIndex,
  putPackage,
  type TemporaryFolder,
  type TestPackage,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLayout } from "../store/layout.js";
import { listCache } from "./list.js";
import { readTree } from "./tree.js";

const zlib = buildPackage("zlib", { version: "1.3.1" });
const cmake = buildPackage("cmake");
const newer = buildPackage("hdf5", { version: "1.14", dependencies: [zlib], buildDependencies: [cmake] });
const older = buildPackage("hdf5", { version: "1.9", dependencies: [zlib] });
/** For a target that no machine has. */
const alien = buildPackage("alien", { target: "z80", dependencies: [zlib] });
const old = buildPackage("old", { specfile: 4 });

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await createTemporaryFolder();
});

afterEach(() => folder.remove());

const source = (): string => `oci:${folder.path}`;

async function push(packages: readonly TestPackage[], index?: 7 | 8): Promise<void> {
  const store = await openLayout(folder.path, { create: true });
  for (const one of packages) await putPackage(store, one);
  if (index !== undefined) await putIndex(store, packages, index);
}

async function labels(queries: readonly string[], allArch = true): Promise<string[]> {
  const { packages } = await listCache({ source: source(), queries, allArch });
  return packages.map(({ spec }) => `${spec.name}@${spec.version}`);
}

describe.each([
  ["with an index", 8],
  ["without an index", undefined],
] as const)("listCache of a cache %s", (_what, index) => {
  it("lists packages by name and version, with the references of their images", async () => {
    await push([newer, zlib, older], index);
    const { packages, hashes } = await listCache({ source: source(), allArch: true });
    expect(packages.map(({ image }) => image)).toEqual([older, newer, zlib].map(({ tag }) => `${source()}:${tag}`));
    expect(hashes).toEqual(new Set([newer.hash, zlib.hash, older.hash]));
  });

  it("lists what one of the queries matches, by dependencies that the cache lacks too", async () => {
    await push([newer, older], index);
    expect(await labels(["hdf5@1.10:", "zlib@2 ^nothing"].slice(0, 1))).toEqual(["hdf5@1.14"]);
    expect(await labels(["^cmake"])).toEqual(["hdf5@1.14"]);
    expect(await labels([`/${older.hash.slice(0, 7)}`, "^cmake"])).toEqual(["hdf5@1.9", "hdf5@1.14"]);
  });

  it("leaves out what this machine can't use, unless it is asked for by its hash, and counts it", async () => {
    await push([alien], index);
    const some = await listCache({ source: source() });
    expect({ packages: some.packages, others: some.others }).toEqual({ packages: [], others: 1 });
    expect(await labels([], true)).toEqual(["alien@1.0"]);
    const asked = await listCache({ source: source(), queries: [`/${alien.hash}`] });
    expect(asked.others).toBe(0);
    expect(asked.packages[0]?.fit).toEqual({ ok: false, why: expect.stringContaining("it is built for z80") });
  });

  it("offers what there is for a query that nothing matches", async () => {
    await push([newer, older, zlib], index);
    await expect(labels(["hdf5@2:"])).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      message: `no package in ${source()} matches hdf5@2:`,
      hint: expect.stringMatching(/^There are:\n {2}hdf5@.*\n {2}hdf5@/),
    });
  });

  it("reads packages of Spack 0.22", async () => {
    await push([old], index && 7);
    const { packages } = await listCache({ source: source(), queries: ["old %gcc@12"], allArch: true });
    expect(packages.map(({ spec }) => spec.compiler)).toEqual([{ name: "gcc", version: "12.2.0" }]);
  });
});

describe("listCache", () => {
  it("offers near names of an index", async () => {
    await push([zlib], 8);
    await expect(labels(["zlbi"])).rejects.toMatchObject({ hint: "Did you mean zlib?" });
  });

  it("lists nothing of an empty cache", async () => {
    await push([]);
    expect(await labels([])).toEqual([]);
  });

  it("refuses a folder that is no cache", async () => {
    await expect(labels([])).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
  });
});

describe.each([
  ["with an index", 8],
  ["without an index", undefined],
] as const)("readTree of a cache %s", (_what, index) => {
  it("follows link and run edges, and says what the cache has", async () => {
    await push([newer], index);
    const { roots, packages } = await readTree({ source: source(), queries: ["hdf5"], allArch: true });
    expect(roots).toEqual([newer.hash]);
    expect(packages.map(({ name, version, state }) => [name, version, state])).toEqual([
      ["hdf5", "1.14", "present"],
      ["zlib", "1.3.1", "missing"],
    ]);
  });

  it("follows build edges if asked to", async () => {
    await push([newer, zlib], index);
    const { packages } = await readTree({ source: source(), queries: ["hdf5"], allArch: true, allDeps: true });
    expect(packages.map(({ name, state }) => [name, state])).toEqual([
      ["hdf5", "present"],
      ["cmake", "missing"],
      ["zlib", "present"],
    ]);
    expect(packages[0]?.dependencies.map(({ deptypes }) => deptypes)).toEqual([["build"], ["build", "link"]]);
  });
});

describe("readTree", () => {
  it("wants to know of what", async () => {
    await expect(readTree({ source: source() })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
