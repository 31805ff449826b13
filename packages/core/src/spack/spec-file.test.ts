import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fixturePath, unpackFixtureStore } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { RawJson } from "../base/json.js";
import { parseDatabase } from "./database.js";
import { type InstallRecord, type InstallStore, readInstallStore } from "./install-store.js";
import { composeSpecFile, parseSpecFile, readSpec, readSpecFile } from "./spec-file.js";

async function withFixtureStore(task: (sysroot: string) => Promise<void>): Promise<void> {
  const fixture = await unpackFixtureStore();
  try {
    await task(fixture.path);
  } finally {
    await fixture.remove();
  }
}

const ROOT = "/opt/spack/opt/spack";

async function withSmallStore(task: (store: InstallStore, sysroot: string) => Promise<void>): Promise<void> {
  await withFixtureStore(async (sysroot) => {
    await task(await readInstallStore({ root: ROOT, sysroot }), sysroot);
  });
}

function installed(store: InstallStore): InstallRecord[] {
  return [...store.records.values()].filter((record) => record.installed && !record.external);
}

function named(store: InstallStore, name: string): InstallRecord {
  const record = installed(store).find(({ spec }) => spec.name === name);
  if (record === undefined) throw new Error(`no ${name}`);
  return record;
}

describe("readSpecFile", () => {
  it("reads spec.json of every package of the real store, byte for byte but the white space", async () => {
    await withSmallStore(async (store) => {
      for (const record of installed(store)) {
        const file = await readSpecFile(record);
        const text = await readFile(join(record.path, ".spack/spec.json"), "utf8");
        expect(file?.version).toBe(5);
        expect(file?.root.hash).toBe(record.spec.hash);
        expect(`{"spec":${file?.spec.text}}`).toBe(text.trim());
        expect([...(file?.nodes.keys() ?? [])][0]).toBe(record.spec.hash);
      }
    });
  });

  it("takes nodes from the store that are the same there, and no others", async () => {
    await withSmallStore(async (store) => {
      const record = named(store, "greeter");
      const nodes = [...((await readSpecFile(record, {}, store))?.nodes.values() ?? [])];
      expect(nodes.length).toBeGreaterThan(3);
      for (const node of nodes) expect(node).toBe(store.records.get(node.hash)?.spec);
      const path = join(record.path, ".spack/spec.json");
      const text = await readFile(path, "utf8");
      await writeFile(path, text.replaceAll('"version":"1.0"', '"version":"1.1"'));
      const changed = await readSpecFile(record, {}, store);
      const libgreet = [...(changed?.nodes.values() ?? [])].find(({ name }) => name === "libgreet");
      expect(libgreet?.version).toBe("1.1");
      await expect(readSpec(store, record)).rejects.toMatchObject({ code: "DAG_HASH_MISMATCH" });
    });
  });

  it("is undefined for a prefix without it", async () => {
    await withSmallStore(async (store) => {
      const record = named(store, "greeter");
      await rm(join(record.path, ".spack/spec.json"));
      expect(await readSpecFile(record)).toBeUndefined();
    });
  });

  it("refuses the spec of another package", async () => {
    await withSmallStore(async (store) => {
      const [greeter, libgreet] = [named(store, "greeter"), named(store, "libgreet")];
      await expect(readSpecFile({ ...greeter, path: libgreet.path })).rejects.toMatchObject({
        code: "SPEC_INVALID",
        message: expect.stringContaining("libgreet@1.0"),
      });
    });
  });
});

describe("composeSpecFile", () => {
  it("gives what spec.json of every package of the real store has", async () => {
    await withSmallStore(async (store) => {
      for (const record of installed(store)) {
        expect(composeSpecFile(store, record).spec.text).toBe((await readSpecFile(record))?.spec.text);
      }
    });
  });

  it.each(["python", "sqlite"])("gives what the config of %s in the real cache has", async (name) => {
    const database = parseDatabase(await readFile(fixturePath("python/store-index.json"), "utf8"), "db");
    const records = new Map(
      [...database.records].map(([hash, { spec, path = "", installed: there, explicit }]) => [
        hash,
        { spec, prefix: path, path, installed: there, explicit, external: spec.external !== undefined, root: ROOT },
      ]),
    );
    const store: InstallStore = { root: ROOT, records };
    const record = named(store, name);
    const tag = `${name}-${record.spec.version}-${record.spec.hash}.spack`;
    const config = parseSpecFile(await readFile(fixturePath(`python/configs/${tag}.json`), "utf8"), tag);
    const composed = composeSpecFile(store, record);
    expect(composed.spec.text).toBe(config.spec.text);
    expect([...composed.nodes.keys()]).toEqual([...config.nodes.keys()]);
  });

  it("adds the build spec of a spliced package with its nodes", () => {
    const [a, b, c] = ["a", "b", "c"].map((letter) => letter.repeat(32)) as [string, string, string];
    const store = storeOf([
      { name: "app", hash: a, build_spec: { name: "app", hash: b } },
      {
        name: "app",
        hash: b,
        dependencies: [{ name: "old", hash: c, parameters: { deptypes: ["link"], virtuals: [] } }],
      },
      { name: "old", hash: c },
    ]);
    const file = composeSpecFile(store, store.records.get(a) as InstallRecord);
    expect([...file.nodes.keys()]).toEqual([a, b, c]);
    expect(file.root.buildSpec).toBe(b);
  });

  it("refuses nodes of a database that is too old", () => {
    const hash = "a".repeat(32);
    const store = storeOf([{ name: "app", hash }], "5");
    expect(() => composeSpecFile(store, store.records.get(hash) as InstallRecord)).toThrow(
      expect.objectContaining({ code: "SPEC_INVALID" }),
    );
  });
});

function storeOf(
  nodes: readonly { name: string; hash: string; [key: string]: unknown }[],
  version = "8",
): InstallStore {
  const installs = Object.fromEntries(
    nodes.map((node) => {
      const spec = { version: "1", ...node };
      return [node.hash, { spec: version === "5" ? { [node.name]: spec } : spec, path: `/s/${node.hash}` }];
    }),
  );
  const { records } = parseDatabase(JSON.stringify({ database: { version, installs } }), "db");
  const fields = { prefix: "/s", path: "/s", installed: true, explicit: true, external: false, root: "/s" };
  return { root: "/s", records: new Map([...records].map(([hash, { spec }]) => [hash, { spec, ...fields }])) };
}

describe("parseSpecFile", () => {
  const [a, b] = ["a".repeat(32), "b".repeat(32)] as const;
  const file = (version: number, dependency: object, node: object = { hash: b }): string =>
    JSON.stringify({
      spec: {
        _meta: { version },
        nodes: [
          { name: "app", version: "1", hash: a, dependencies: [{ name: "lib", ...dependency }] },
          { name: "lib", version: "2", ...node },
        ],
      },
    });

  it.each([2, 3])("reads edges of version %i", (version) => {
    const { root } = parseSpecFile(file(version, { hash: b, type: ["build", "link"] }), "spec");
    expect(root.dependencies).toEqual([{ name: "lib", hash: b, deptypes: ["build", "link"], virtuals: [] }]);
  });

  it("turns the build hashes of version 2 into DAG hashes", () => {
    const built = "c".repeat(32);
    const text = file(
      2,
      { build_hash: built, type: ["link"] },
      { hash: b, build_hash: built, full_hash: "d".repeat(32) },
    );
    expect(parseSpecFile(text, "spec").root.dependencies[0]?.hash).toBe(b);
  });

  it.each([4, 5])("reads edges of version %i", (version) => {
    const { root } = parseSpecFile(
      file(version, { hash: b, parameters: { deptypes: ["run"], virtuals: ["mpi"] } }),
      "s",
    );
    expect(root.dependencies).toEqual([{ name: "lib", hash: b, deptypes: ["run"], virtuals: ["mpi"] }]);
  });

  it("keeps the value of spec as written, and passes over other keys", () => {
    const text = `{"binary_cache_checksum": {}, "spec": {"_meta":{"version":5}, "nodes":[{"name":"a","version":"1.0","x":1.0,"hash":"${a}"}]}}`;
    const parsed = parseSpecFile(text, "spec");
    expect(parsed.spec).toEqual(
      new RawJson(`{"_meta":{"version":5},"nodes":[{"name":"a","version":"1.0","x":1.0,"hash":"${a}"}]}`),
    );
    expect(parsed.root.node.text).toBe(`{"name":"a","version":"1.0","x":1.0,"hash":"${a}"}`);
  });

  it.each([
    ["no JSON", "spec"],
    ["no spec", "{}"],
    ["no nodes", '{"spec":{"_meta":{"version":5},"nodes":[]}}'],
    ["nodes that are no list", '{"spec":{"_meta":{"version":5},"nodes":{"0":{}}}}'],
    ["no version", `{"spec":{"nodes":[{"name":"a","version":"1","hash":"${"a".repeat(32)}"}]}}`],
    ["a newer version", file(6, { hash: b, parameters: {} })],
    ["version 1", file(1, { hash: b, type: [] })],
    ["a node without hash", file(5, { hash: b }, {})],
    ["an edge to a node that isn't there", file(5, { hash: "c".repeat(32), parameters: {} })],
    ["a node that is null", '{"spec":{"_meta":{"version":5},"nodes":[null]}}'],
  ])("says SPEC_INVALID for %s", (_, text) => {
    expect(() => parseSpecFile(text, "the spec")).toThrow(
      expect.objectContaining({ code: "SPEC_INVALID", message: expect.stringContaining("the spec") }),
    );
  });
});

describe("readSpec", () => {
  it("takes the database's nodes where the prefix has no spec.json", async () => {
    await withSmallStore(async (store) => {
      const record = named(store, "greet-plugin");
      const read = await readSpec(store, record);
      await rm(join(record.path, ".spack/spec.json"));
      expect((await readSpec(store, record)).spec.text).toBe(read.spec.text);
    });
  });

  it("names the package whose node was changed", async () => {
    await withSmallStore(async (store) => {
      const record = named(store, "greet-plugin");
      const path = join(record.path, ".spack/spec.json");
      const text = await readFile(path, "utf8");
      await writeFile(path, text.replace('"name":"libgreet","version":"1.0"', '"name":"libgreet","version":"1.1"'));
      await expect(readSpec(store, record)).rejects.toMatchObject({
        code: "DAG_HASH_MISMATCH",
        message: expect.stringContaining("libgreet@1.1"),
      });
    });
  });
});
