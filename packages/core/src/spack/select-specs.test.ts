import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fixturePath, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { parseDatabase } from "./database.js";
import type { InstallRecord, InstallStore } from "./install-store.js";
import { findSpecs, selectSpecs } from "./select-specs.js";

const GREETER = "53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";
const PLUGIN = "4mu7dtu6uktdyijb3md6bvri3ciiwdbm";

async function smallStore(): Promise<InstallStore> {
  const text = await readFile(fixturePath("small/store-index.json"), "utf8");
  const records = new Map<string, InstallRecord>();
  for (const [hash, { spec, path = "", installed, explicit }] of parseDatabase(text, "db").records) {
    records.set(hash, {
      spec,
      prefix: path,
      path,
      installed,
      explicit,
      external: spec.external !== undefined,
      root: "/s",
    });
  }
  return { root: "/s", records };
}

/** The store with one more record, a changed copy of another. */
function withCopy(store: InstallStore, of: string, hash: string, changes: Partial<InstallRecord>): InstallStore {
  const record = store.records.get(of) as InstallRecord;
  const copy = { ...record, spec: { ...record.spec, hash }, ...changes };
  return { ...store, records: new Map([...store.records, [hash, copy]]) };
}

async function namesFor(...specs: readonly string[]): Promise<string[]> {
  return (await selectSpecs(await smallStore(), { specs })).map(({ spec }) => spec.name);
}

describe("selectSpecs", () => {
  it.each(["greeter", "greeter@2", "greeter@2.1", "greeter@=2.1", "greeter/53z", "/53zaetj", "fixtures.greeter"])(
    "finds greeter by %s",
    async (spec) => {
      expect(await namesFor(spec)).toEqual(["greeter"]);
    },
  );

  it.each([
    ["greeter@2: %gcc@12 ^libgreet~debug", "greeter"],
    ["^greeter", "greet-plugin"],
    ["libgreet target=x86_64:", "libgreet"],
  ])("finds by Spack's queries: %s", async (spec, name) => {
    expect(await namesFor(spec)).toEqual([name]);
  });

  it("shows what is installed of a name of which nothing has what is asked for", async () => {
    await expect(namesFor("greeter+foo")).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      message: "no installed package matches greeter+foo",
      hint: expect.stringContaining("greeter@2.1/53zaetj"),
    });
  });

  it("keeps the order and names each package once", async () => {
    expect(await namesFor("greet-plugin", "libgreet", "/4mu7dtu")).toEqual(["greet-plugin", "libgreet"]);
  });

  it("takes all that is installed but not external", async () => {
    const records = await selectSpecs(await smallStore(), { all: true });
    expect(records.map(({ spec }) => spec.name).sort()).toEqual([
      "gcc-runtime",
      "greet-build-tool",
      "greet-plugin",
      "greeter",
      "libgreet",
    ]);
  });

  it("offers the nearest names where nothing matches", async () => {
    await expect(namesFor("greter")).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      message: "no installed package matches greter",
      hint: expect.stringContaining("greeter"),
    });
  });

  it("shows what is installed of a name whose version doesn't match", async () => {
    await expect(namesFor("greeter@3")).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      hint: expect.stringContaining("greeter@2.1/53zaetj linux-debian12-x86_64_v3"),
    });
  });

  it("lists the candidates where several match", async () => {
    const store = withCopy(await smallStore(), GREETER, "53zb".padEnd(32, "a"), {});
    for (const spec of ["greeter", "/53z"]) {
      await expect(selectSpecs(store, { specs: [spec] })).rejects.toMatchObject({
        code: "AMBIGUOUS_SPEC",
        hint: expect.stringMatching(/greeter@2\.1\/53zaetj linux-debian12-x86_64_v3\n {2}greeter@2\.1\/53zbaaa/),
      });
    }
    expect(await selectSpecs(store, { specs: ["/53za"] })).toHaveLength(1);
  });

  it("says why a package in the database can't be chosen", async () => {
    const store = await smallStore();
    const deprecated = withCopy(store, GREETER, "c".repeat(32), { installed: false, deprecatedFor: GREETER });
    const hintFor = async (of: InstallStore, spec: string): Promise<unknown> =>
      selectSpecs(of, { specs: [spec] }).then(
        () => "found",
        (error) => `${error.code}: ${error.hint}`,
      );
    expect(await hintFor(store, "gmake")).toMatch(/^SPEC_NOT_FOUND: gmake@4\.3\/jbok2te is external/);
    expect(await hintFor(store, "compiler-wrapper")).toMatch(/^SPEC_NOT_FOUND: .*not installed/);
    expect(await hintFor(deprecated, "/ccccccc")).toMatch(/^SPEC_NOT_FOUND: .*deprecated; \/53zaetj replaces it/);
    expect(await hintFor(store, "/zzz")).toMatch(/^SPEC_NOT_FOUND: .*spack find --long/);
  });

  it("wants some choice", async () => {
    await expect(selectSpecs(await smallStore(), {})).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("findSpecs", () => {
  const found = async (...specs: readonly string[]): Promise<string[]> =>
    findSpecs(await smallStore(), specs)
      .map(({ spec }) => spec.name)
      .sort();

  it("finds everything that is installed, but nothing external, where nothing is asked for", async () => {
    expect(await found()).toEqual(["gcc-runtime", "greet-build-tool", "greet-plugin", "greeter", "libgreet"]);
  });

  it("finds what any of the specs means, each package once", async () => {
    expect(await found("libgreet", "greeter@2", "/53zaetj")).toEqual(["greeter", "libgreet"]);
    const store = withCopy(await smallStore(), GREETER, "53zb".padEnd(32, "a"), {});
    expect(findSpecs(store, ["greeter"])).toHaveLength(2);
  });

  it("offers the nearest names for the first spec that nothing matches", async () => {
    await expect(found("libgreet", "greter")).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      message: "no installed package matches greter",
      hint: expect.stringContaining("greeter"),
    });
  });
});

describe("selectSpecs with environments", () => {
  const lock = (roots: readonly object[], version = 6, nodes: object = {}): string =>
    JSON.stringify({
      _meta: { "file-type": "spack-lockfile", "lockfile-version": version, "specfile-version": 5 },
      roots,
      concrete_specs: nodes,
    });

  async function selectFrom(text: string | undefined): Promise<string[]> {
    return withTemporaryFolder(async (folder) => {
      const environment = join(folder, "env");
      await mkdir(environment);
      if (text !== undefined) await writeFile(join(environment, "spack.lock"), text);
      return (await selectSpecs(await smallStore(), { environments: [environment] })).map(({ spec }) => spec.name);
    });
  }

  it("takes the roots of spack.lock, without external ones", async () => {
    const roots = [
      { hash: PLUGIN, spec: "greet-plugin" },
      { hash: "jbok2te5elpiutydxzypwqk37jebotlu", spec: "gmake" },
      { hash: GREETER, spec: "greeter@2" },
    ];
    expect(await selectFrom(lock(roots))).toEqual(["greet-plugin", "greeter"]);
  });

  it("finds the DAG hash in old locks that file a node under another hash", async () => {
    expect(
      await selectFrom(lock([{ hash: "xyz", spec: "g" }], 3, { xyz: { name: "greeter", hash: GREETER } })),
    ).toEqual(["greeter"]);
    expect(await selectFrom(lock([{ hash: "xyz", spec: "g" }], 1, { xyz: { greeter: { hash: GREETER } } }))).toEqual([
      "greeter",
    ]);
  });

  it("lists the roots that aren't installed", async () => {
    const roots = [
      { hash: GREETER, spec: "greeter" },
      { hash: "d".repeat(32), spec: "hdf5+mpi" },
      { hash: "jrtxylmzw232laxox2s5a5wkhr7skrim", spec: "compiler-wrapper" },
    ];
    await expect(selectFrom(lock(roots))).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      message: expect.stringMatching(/hdf5\+mpi\/ddddddd, compiler-wrapper\/jrtxylm$/),
    });
  });

  it.each([
    ["no spack.lock", undefined],
    ["no JSON", "{"],
    ["no roots", '{"_meta":{"lockfile-version":6},"concrete_specs":{}}'],
    ["a newer lock", lock([], 99)],
    ["roots of another shape", '{"_meta":{"lockfile-version":6},"roots":{"a":1},"concrete_specs":{}}'],
  ])("says ENVIRONMENT_INVALID for %s", async (_, text) => {
    await expect(selectFrom(text)).rejects.toMatchObject({ code: "ENVIRONMENT_INVALID" });
  });
});
