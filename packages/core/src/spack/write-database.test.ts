import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  type DatabaseRecords,
  fixturePath,
  INSTALLATION_TIME,
  installFor,
  readSmallStore,
  recordsOf,
  referencesOf,
  SMALL_ROOT,
  specOf,
  withTemporaryFolder,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { temporaryBeside } from "../base/temporary-file.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { DATABASE_PATH } from "./database.js";
import { type InstallStore, readInstallStore } from "./install-store.js";
import { composeSpecFile, parseSpecFile } from "./spec-file.js";
import {
  createStore,
  type Install,
  markExplicit,
  placeAndRegister,
  type WriteDatabaseOptions,
} from "./write-database.js";

/** Records packages that are at their prefixes already. */
async function registerInstalls(
  root: string,
  installs: readonly Install[],
  given: WriteDatabaseOptions,
): Promise<void> {
  const outcomes = await placeAndRegister(
    root,
    () => installs.map((install) => ({ install, replace: true, place: async () => {} })),
    given,
  );
  for (const outcome of outcomes) if ("error" in outcome) throw outcome.error;
}

const options = { helperEnv: { PATH: "/usr/bin:/bin" } };
function installOf(store: InstallStore, name: string, root: string, explicit = false): Install {
  const record = [...store.records.values()].find(({ spec }) => spec.name === name);
  if (record === undefined) throw new Error(`no ${name}`);
  const prefix = record.prefix.replace(SMALL_ROOT, root);
  return { spec: composeSpecFile(store, record), prefix, explicit, installationTime: INSTALLATION_TIME };
}

const PACKAGES = ["gcc-runtime", "libgreet", "greet-build-tool", "greeter", "greet-plugin"];

const withNewStore = (task: (root: string, real: InstallStore) => Promise<void>) =>
  withTemporaryFolder(async (folder) => {
    const root = join(folder, "store");
    await createStore(root, options);
    await task(root, await readSmallStore(folder));
  });

describe("createStore", () => {
  it("makes the files that Spack makes, once", () =>
    withTemporaryFolder(async (folder) => {
      const root = join(folder, "a", "store");
      expect(await createStore(root, options)).toBe(true);
      expect((await readdir(join(root, ".spack-db"))).sort()).toEqual([
        "index.json",
        "index_verifier",
        "lock",
        "prefix_lock",
      ]);
      expect(await readFile(join(root, DATABASE_PATH), "utf8")).toBe('{"database":{"version":"8","installs":{}}}');
      expect((await stat(join(root, ".spack-db/lock"))).size).toBe(0);
      const verifier = await readFile(join(root, ".spack-db/index_verifier"), "utf8");
      expect(verifier).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(await createStore(root, options)).toBe(false);
      expect(await readFile(join(root, ".spack-db/index_verifier"), "utf8")).toBe(verifier);
    }));
});

describe("registering", () => {
  it("writes the records that Spack has written for the same packages", () =>
    withNewStore(async (root, real) => {
      for (const name of PACKAGES) {
        await registerInstalls(root, [installOf(real, name, root, name === "greet-plugin")], options);
      }
      const written = await recordsOf(root);
      const expected = JSON.parse(
        (await readFile(fixturePath("small/store-index.json"), "utf8")).replaceAll(`"${SMALL_ROOT}/`, `"${root}/`),
      ).database.installs as DatabaseRecords;
      const timeless = (records: DatabaseRecords): DatabaseRecords =>
        Object.fromEntries(
          Object.entries(records).map(([hash, record]) => [hash, { ...record, installation_time: 0 }]),
        );
      expect(timeless(written)).toEqual(timeless(expected));
      for (const [hash, record] of Object.entries(written)) {
        expect(Object.keys(record)).toEqual(Object.keys(expected[hash] ?? {}));
        expect(JSON.stringify(record.spec)).toBe(JSON.stringify(expected[hash]?.spec));
      }
    }));

  it("counts references the same whether packages come one by one, together or in the wrong order", () =>
    withTemporaryFolder(async (folder) => {
      const real = await readSmallStore(folder);
      const results: unknown[] = [];
      for (const [at, names] of [PACKAGES, [...PACKAGES].reverse()].entries()) {
        const root = join(folder, `store-${at}`);
        await createStore(root, options);
        await registerInstalls(
          root,
          names.map((name) => installOf(real, name, root)),
          options,
        );
        results.push(referencesOf(await recordsOf(root)));
      }
      expect(results[0]).toEqual(results[1]);
      expect(results[0]).toMatchObject({ glibc: { ref_count: 5 }, "compiler-wrapper": { installed: false } });
    }));

  it("keeps every byte of records, members and keys that it doesn't know", () =>
    withNewStore(async (root) => {
      const known =
        '"old":{"spec":{"name":"x","version":"1","long":12345678901234567890,"hash":"old"},"ref_count":0,"new":1.50,"\\u00e9":2}';
      const text = `{"database":{"version":"8","installs":{${known}},"extra":{"b":1,"1":2}},"more":[1.0]}`;
      await writeFile(join(root, DATABASE_PATH), text);
      await registerInstalls(root, [installFor(specOf({ top: [] }), root)], options);
      const written = await readFile(join(root, DATABASE_PATH), "utf8");
      expect(written).toContain(known);
      expect(written.endsWith('},"extra":{"b":1,"1":2}},"more":[1.0]}')).toBe(true);
    }));

  it("turns the record of a missing dependency into one of an installed package at its new prefix", () =>
    withNewStore(async (root) => {
      await registerInstalls(root, [installFor(specOf({ top: ["lib"], lib: [] }), root)], options);
      expect(referencesOf(await recordsOf(root))).toEqual({
        lib: { ref_count: 1, installed: false },
        top: { ref_count: 0, installed: true },
      });
      const lib = {
        ...installFor(specOf({ lib: [] }), root, false),
        prefix: `${root}/elsewhere/lib`,
        installationTime: 7,
      };
      await registerInstalls(root, [lib], options);
      expect((await recordsOf(root))[lib.spec.root.hash]).toMatchObject({
        path: `${root}/elsewhere/lib`,
        installed: true,
        ref_count: 1,
        explicit: false,
        installation_time: 7,
      });
    }));

  it("keeps a package explicit that comes again as a dependency", () =>
    withNewStore(async (root) => {
      const top = specOf({ top: [] });
      await registerInstalls(root, [installFor(top, root, true)], options);
      await registerInstalls(root, [installFor(top, root, false)], options);
      expect((await recordsOf(root))[top.root.hash]?.explicit).toBe(true);
      await markExplicit(root, [top.root.hash], false, options);
      expect((await recordsOf(root))[top.root.hash]?.explicit).toBe(false);
    }));

  it("records an external package without a path as Spack does", () =>
    withNewStore(async (root) => {
      const external = { mpi: { external: { path: null, module: ["cray-mpich"], extra_attributes: {} } } };
      await registerInstalls(root, [installFor(specOf({ top: ["mpi"], mpi: [] }, external), root)], options);
      expect((await recordsOf(root))[`mpi${"a".repeat(29)}`]).toMatchObject({ path: null, installed: true });
    }));

  it("records the build spec of a spliced package too", () =>
    withNewStore(async (root) => {
      const spec = specOf(
        { top: [], original: ["lib"], lib: [] },
        { top: { build_spec: { hash: "original".padEnd(32, "a") } } },
      );
      await registerInstalls(root, [installFor(spec, root)], options);
      expect(referencesOf(await recordsOf(root))).toEqual({
        top: { ref_count: 0, installed: true },
        original: { ref_count: 0, installed: false },
        lib: { ref_count: 1, installed: false },
      });
    }));

  it.each([
    [4, { parameters: { deptypes: ["link"], virtuals: [] } }],
    [3, { type: ["link"] }],
  ])("writes a node of spec file version %d as Spack 1.x rewrites it", (version, edge) =>
    withNewStore(async (root) => {
      const arch = { platform: "linux", platform_os: "debian12", target: "x86_64" };
      const compiler = { name: "gcc", version: "12.2.0" };
      const lib = { name: "lib", version: "1", arch, compiler, hash: "l".repeat(32) };
      const dependencies = [{ name: "lib", hash: "l".repeat(32), ...edge }];
      const top = { name: "top", version: "1", arch, compiler, dependencies, hash: "t".repeat(32) };
      const text = JSON.stringify({ spec: { _meta: { version }, nodes: [top, lib] } });
      await registerInstalls(root, [installFor(parseSpecFile(text, "spec"), root)], options);
      const node = (await recordsOf(root))["t".repeat(32)]?.spec;
      expect(Object.keys(node ?? {}).at(-1)).toBe("hash");
      expect(node).toEqual({
        name: "top",
        version: "1",
        arch,
        dependencies: [{ name: "lib", hash: "l".repeat(32), parameters: { deptypes: ["link"], virtuals: [] } }],
        annotations: { original_specfile_version: version, compiler: "gcc@=12.2.0" },
        hash: "t".repeat(32),
      });
      const store = await readInstallStore({ root });
      expect(store.records.get("t".repeat(32))?.spec.dependencies).toHaveLength(1);
    }),
  );

  it.each(["5", "7", "9"])("refuses to write a database of version %s and leaves it as it is", (version) =>
    withNewStore(async (root) => {
      const text = `{"database":{"version":"${version}","installs":{}}}`;
      await writeFile(join(root, DATABASE_PATH), text);
      const writing = registerInstalls(root, [installFor(specOf({ top: [] }), root)], options);
      await expect(writing).rejects.toMatchObject({
        code: "DATABASE_VERSION",
        hint: expect.stringContaining("version 8"),
      });
      expect(await readFile(join(root, DATABASE_PATH), "utf8")).toBe(text);
    }),
  );

  it.each(["{", "[]", '{"database":{}}', '{"database":{"version":"8","installs":[]}}', '{"database":{"version":"8"}}'])(
    "refuses the damaged database %s and leaves it as it is",
    (text) =>
      withNewStore(async (root) => {
        await writeFile(join(root, DATABASE_PATH), text);
        const writing = registerInstalls(root, [installFor(specOf({ top: [] }), root)], options);
        await expect(writing).rejects.toMatchObject({ code: "DATABASE_INVALID" });
        expect(await readFile(join(root, DATABASE_PATH), "utf8")).toBe(text);
      }),
  );

  it("refuses a spec that lacks a node, and writes nothing", () =>
    withNewStore(async (root) => {
      const { root: top, nodes } = specOf({ top: ["lib"], lib: [] });
      const without = new Map<string, ConcreteSpec>([...nodes].filter(([hash]) => hash === top.hash));
      const writing = registerInstalls(root, [installFor({ root: top, nodes: without }, root)], options);
      await expect(writing).rejects.toMatchObject({ code: "SPEC_INVALID" });
      expect(await recordsOf(root)).toEqual({});
    }));

  it("removes what a killed writer has left, and gives every database another verifier", () =>
    withNewStore(async (root) => {
      const folder = join(root, ".spack-db");
      const before = await readFile(join(folder, "index_verifier"), "utf8");
      const left = basename(temporaryBeside("index.json"));
      await writeFile(join(folder, left), "{");
      await writeFile(join(folder, ".index.json.mine"), "kept");
      await registerInstalls(root, [installFor(specOf({ top: [] }), root)], options);
      expect(await readdir(folder)).not.toContain(left);
      expect(await readdir(folder)).toContain(".index.json.mine");
      expect(await readFile(join(folder, "index_verifier"), "utf8")).not.toBe(before);
    }));
});
