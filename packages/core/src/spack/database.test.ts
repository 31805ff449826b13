import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fixturePath, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { parseDatabase, readDatabase } from "./database.js";

const HASH = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const OTHER = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const arch = { platform: "linux", platform_os: "debian12", target: "x86_64" };

function databaseOf(version: unknown, installs: unknown): string {
  return JSON.stringify({ database: { version, installs } });
}

function node(extra: object = {}): object {
  return { name: "zlib", version: "1.3", arch, hash: HASH, ...extra };
}

describe("readDatabase", () => {
  it("reads every record of a real database, the ones that aren't installed too", async () => {
    const database = await readDatabase(fixturePath("small/store-index.json"));
    expect(database?.version).toBe(8);
    const records = [...(database?.records.values() ?? [])];
    expect(records.map(({ spec }) => spec.name)).toEqual([
      "gmake",
      "gcc",
      "glibc",
      "compiler-wrapper",
      "gcc-runtime",
      "libgreet",
      "greet-build-tool",
      "greeter",
      "greet-plugin",
    ]);
    expect(records[3]?.installed).toBe(false);
    expect(records[0]?.spec.external).toEqual({ path: "/usr" });
    const greeter = database?.records.get("53zaetjpu7mwvi3vv3n2rag7yc3a4nuh");
    expect(greeter).toMatchObject({
      path: "/opt/spack/opt/spack/linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh",
      installed: true,
      explicit: false,
      refCount: 1,
      installationTime: 1795229377.09622,
      deprecatedFor: undefined,
    });
    expect(greeter?.spec.dependencies.at(-1)).toEqual({
      name: "libgreet",
      hash: "vxd7hjtucqhfb2xibbvbaje6fla7ikff",
      deptypes: ["build", "link"],
      virtuals: [],
    });
    expect(greeter?.spec.arch).toEqual({ platform: "linux", os: "debian12", target: "x86_64_v3", family: "x86_64" });
  });

  it("is undefined where there is none", async () => {
    expect(await readDatabase(fixturePath("nowhere/index.json"))).toBeUndefined();
    expect(await readDatabase(fixturePath("small/store-index.json/index.json"))).toBeUndefined();
  });

  it("says DATABASE_INVALID for a folder in its place", async () => {
    await withTemporaryFolder(async (folder) => {
      await mkdir(join(folder, "index.json"));
      await expect(readDatabase(join(folder, "index.json"))).rejects.toMatchObject({ code: "DATABASE_INVALID" });
    });
  });

  it("stops with the reason of an abort", async () => {
    await withTemporaryFolder(async (folder) => {
      await writeFile(join(folder, "index.json"), databaseOf("8", {}));
      const signal = AbortSignal.abort(new Error("enough"));
      await expect(readDatabase(join(folder, "index.json"), { signal })).rejects.toThrow("enough");
    });
  });
});

describe("parseDatabase", () => {
  it("reads version 5, whose nodes stand in their name and have edges by name", () => {
    const spec = {
      zlib: { version: "1.2.11", arch, dependencies: { gmake: { hash: OTHER, type: ["build"] } }, parameters: {} },
    };
    const { version, records } = parseDatabase(
      databaseOf("5", { [HASH]: { spec, path: "/s/zlib", installed: true } }),
      "db",
    );
    expect(version).toBe(5);
    expect(records.get(HASH)?.spec).toMatchObject({
      name: "zlib",
      hash: HASH,
      specfileVersion: 1,
      dependencies: [{ name: "gmake", hash: OTHER, deptypes: ["build"], virtuals: [] }],
    });
  });

  it.each([
    ["6", 3, { type: ["link"] }],
    ["7", 4, { parameters: { deptypes: ["link"], virtuals: ["zlib-api"] } }],
    [8, 5, { parameters: { deptypes: ["link"], virtuals: [] } }],
  ] as const)("reads version %s", (version, specfile, edge) => {
    const spec = node({ dependencies: [{ name: "gmake", hash: OTHER, ...edge }] });
    const { records } = parseDatabase(databaseOf(version, { [HASH]: { spec, path: "None", installed: false } }), "db");
    const record = records.get(HASH);
    expect(record?.spec.specfileVersion).toBe(specfile);
    expect(record?.spec.dependencies[0]?.deptypes).toEqual(["link"]);
    expect(record?.path).toBeUndefined();
  });

  it("reads deprecated records", () => {
    const record = { spec: node(), path: "/s/zlib", installed: false, deprecated_for: OTHER };
    expect(parseDatabase(databaseOf("8", { [HASH]: record }), "db").records.get(HASH)).toMatchObject({
      installed: false,
      deprecatedFor: OTHER,
    });
  });

  it.each(["9", "4", "0.9.3", "x\u001b"])("refuses version %j", (version) => {
    expect(() => parseDatabase(databaseOf(version, {}), "db")).toThrow(
      expect.objectContaining({ code: "DATABASE_VERSION" }),
    );
  });

  it.each([
    ["no JSON", "{"],
    ["no database", "{}"],
    ["a list", "[]"],
    ["no version", '{"database":{"installs":{}}}'],
    ["no installs", '{"database":{"version":"8"}}'],
    ["a record without spec", databaseOf("8", { [HASH]: { path: "/x" } })],
    ["a record that is no object", databaseOf("8", { [HASH]: 5 })],
    ["a node with another hash than its key", databaseOf("8", { [HASH]: { spec: node({ hash: OTHER }), path: "/x" } })],
    ["a name with control characters", databaseOf("8", { [HASH]: { spec: node({ name: "a\u001b[2J" }), path: "/x" } })],
    ["a version with a newline", databaseOf("8", { [HASH]: { spec: node({ version: "1\n2" }), path: "/x" } })],
    ["a path that climbs out", databaseOf("8", { [HASH]: { spec: node(), path: "/s/../../etc", installed: true } })],
    ["a relative path", databaseOf("8", { [HASH]: { spec: node(), path: "s/zlib", installed: true } })],
    ["a hash that is no hash", databaseOf("8", { "../x": { spec: node(), path: "/x" } })],
    [
      "an edge without hash",
      databaseOf("8", { [HASH]: { spec: node({ dependencies: [{ name: "x" }] }), path: "/x" } }),
    ],
  ])("says DATABASE_INVALID for %s", (_, text) => {
    expect(() => parseDatabase(text, "the database")).toThrow(
      expect.objectContaining({ code: "DATABASE_INVALID", message: expect.stringContaining("the database") }),
    );
  });

  it("is not fooled by __proto__", () => {
    const text = `{"database":{"version":"8","installs":{"${HASH}":{"spec":${JSON.stringify(node())},"path":"/s/z","__proto__":{"installed":true}}}}}`;
    expect(parseDatabase(text, "db").records.get(HASH)?.installed).toBe(false);
    expect(() => parseDatabase('{"__proto__":{"database":{"version":"8","installs":{}}}}', "db")).toThrow(
      expect.objectContaining({ code: "DATABASE_INVALID" }),
    );
  });
});
