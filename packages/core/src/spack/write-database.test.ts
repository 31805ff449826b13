import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fixturePath, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it, vi } from "vitest";
import type { ConcreteSpec } from "./concrete-spec.js";
import { DATABASE_PATH } from "./database.js";
import { type InstallStore, readInstallStore } from "./install-store.js";
import { composeSpecFile, parseSpecFile } from "./spec-file.js";
import {
  createStore,
  type Install,
  markExplicit,
  placeAndRegister,
  unregisterAndWithdraw,
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

/** Forgets packages whose prefixes stay. */
async function unregisterInstalls(root: string, hashes: readonly string[], given: WriteDatabaseOptions): Promise<void> {
  await unregisterAndWithdraw(
    root,
    async () => hashes,
    async () => {},
    given,
  );
}

const options = { helperEnv: { PATH: "/usr/bin:/bin" } };
const ROOT = "/opt/spack/opt/spack";
const TIME = 1795229376.5;

interface WrittenRecord {
  readonly spec: { readonly name: string };
  readonly ref_count: number;
  readonly path: string | null;
  readonly installed: boolean;
  readonly explicit: boolean;
  readonly installation_time: number;
  readonly deprecated_for: string | null;
}

type Records = Record<string, WrittenRecord>;

async function recordsOf(root: string): Promise<Records> {
  const text = await readFile(join(root, DATABASE_PATH), "utf8");
  return JSON.parse(text).database.installs as Records;
}

/** The real store's database, read where it doesn't lie under its own root. */
async function realStore(folder: string): Promise<InstallStore> {
  const sysroot = join(folder, "real");
  await mkdir(join(sysroot, ROOT, ".spack-db"), { recursive: true });
  await writeFile(join(sysroot, ROOT, DATABASE_PATH), await readFile(fixturePath("small/store-index.json")));
  return readInstallStore({ root: ROOT, sysroot });
}

function installOf(store: InstallStore, name: string, root: string, explicit = false): Install {
  const record = [...store.records.values()].find(({ spec }) => spec.name === name);
  if (record === undefined) throw new Error(`no ${name}`);
  const prefix = record.prefix.replace(ROOT, root);
  return { spec: composeSpecFile(store, record), prefix, explicit, installationTime: TIME };
}

const PACKAGES = ["gcc-runtime", "libgreet", "greet-build-tool", "greeter", "greet-plugin"];

const withNewStore = (task: (root: string, real: InstallStore) => Promise<void>) =>
  withTemporaryFolder(async (folder) => {
    const root = join(folder, "store");
    await createStore(root, options);
    await task(root, await realStore(folder));
  });

/** A spec of packages that need each other, such as `{ top: ["lib"], lib: [] }`; the first is the root. */
function specOf(dependencies: Record<string, string[]>, extra: Record<string, object> = {}): Install["spec"] {
  const hashOf = (name: string): string => name.padEnd(32, "a");
  const nodes = Object.entries(dependencies).map(([name, needs]) => ({
    name,
    version: "1",
    arch: { platform: "linux", platform_os: "debian12", target: "x86_64" },
    dependencies: needs.map((need) => ({
      name: need,
      hash: hashOf(need),
      parameters: { deptypes: ["build", "link"], virtuals: [] },
    })),
    ...extra[name],
    hash: hashOf(name),
  }));
  return parseSpecFile(JSON.stringify({ spec: { _meta: { version: 5 }, nodes } }), "spec");
}

const installFor = (spec: Install["spec"], root: string, explicit = true): Install => ({
  spec,
  prefix: join(root, "linux-x86_64", `${spec.root.name}-1-${spec.root.hash}`),
  explicit,
  installationTime: TIME,
});

const byName = (records: Records): Record<string, Pick<WrittenRecord, "ref_count" | "installed">> =>
  Object.fromEntries(
    Object.values(records).map(({ spec, ref_count, installed }) => [spec.name, { ref_count, installed }]),
  );

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
        (await readFile(fixturePath("small/store-index.json"), "utf8")).replaceAll(`"${ROOT}/`, `"${root}/`),
      ).database.installs as Records;
      const timeless = (records: Records): Records =>
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
      const real = await realStore(folder);
      const results: unknown[] = [];
      for (const [at, names] of [PACKAGES, [...PACKAGES].reverse()].entries()) {
        const root = join(folder, `store-${at}`);
        await createStore(root, options);
        await registerInstalls(
          root,
          names.map((name) => installOf(real, name, root)),
          options,
        );
        results.push(byName(await recordsOf(root)));
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
      expect(byName(await recordsOf(root))).toEqual({
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
      expect(byName(await recordsOf(root))).toEqual({
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
      await writeFile(join(folder, ".index.json.0123456789abcdef.tmp"), "{");
      await writeFile(join(folder, ".index.json.mine"), "kept");
      await registerInstalls(root, [installFor(specOf({ top: [] }), root)], options);
      expect(await readdir(folder)).not.toContain(".index.json.0123456789abcdef.tmp");
      expect(await readdir(folder)).toContain(".index.json.mine");
      expect(await readFile(join(folder, "index_verifier"), "utf8")).not.toBe(before);
    }));
});

describe("unregistering", () => {
  const DIAMOND = { top: ["left", "right"], left: ["lib"], right: ["lib", "tool"], lib: [], tool: [] };
  const hash = (name: string): string => name.padEnd(32, "a");

  async function registerDiamond(root: string, installed: string[]): Promise<void> {
    const all = Object.entries(DIAMOND);
    for (const name of installed) {
      const nodes = Object.fromEntries([
        ...all.filter(([key]) => key === name),
        ...all.filter(([key]) => key !== name),
      ]);
      await registerInstalls(root, [installFor(specOf(nodes as Record<string, string[]>), root)], options);
    }
  }

  it("keeps a record that dependents need as missing", () =>
    withNewStore(async (root) => {
      await registerDiamond(root, ["lib", "left", "right", "top"]);
      await unregisterInstalls(root, [hash("lib")], options);
      expect(byName(await recordsOf(root))).toMatchObject({ lib: { ref_count: 2, installed: false } });
    }));

  it("removes a record that nothing needs, and with it the missing ones that were kept for it", () =>
    withNewStore(async (root) => {
      await registerDiamond(root, ["lib", "left", "right", "top"]);
      await unregisterInstalls(root, [hash("top")], options);
      expect(byName(await recordsOf(root))).toEqual({
        left: { ref_count: 0, installed: true },
        right: { ref_count: 0, installed: true },
        lib: { ref_count: 2, installed: true },
        tool: { ref_count: 1, installed: false },
      });
      await unregisterInstalls(root, [hash("right")], options);
      expect(byName(await recordsOf(root))).toEqual({
        left: { ref_count: 0, installed: true },
        lib: { ref_count: 1, installed: true },
      });
    }));

  it("ends with the same records in whatever order packages are named, and passes over unknown ones", () =>
    withNewStore(async (root) => {
      await registerDiamond(root, ["lib", "left", "right", "top"]);
      await unregisterInstalls(root, ["lib", "none", "right", "top", "left"].map(hash), options);
      expect(await recordsOf(root)).toEqual({});
    }));

  it("undoes what registering did", () =>
    withNewStore(async (root, real) => {
      await registerInstalls(root, [installOf(real, "greeter", root)], options);
      const before = byName(await recordsOf(root));
      const plugin = installOf(real, "greet-plugin", root);
      await registerInstalls(root, [plugin], options);
      await unregisterInstalls(root, [plugin.spec.root.hash], options);
      expect(byName(await recordsOf(root))).toEqual(before);
    }));

  it("drops the reference of a deprecated package to its replacement", () =>
    withNewStore(async (root) => {
      const record = (name: string, extra: object) => ({
        spec: JSON.parse(specOf({ [name]: [] }).root.node.text),
        path: "/x",
        installed: true,
        explicit: true,
        ...extra,
      });
      const installs = {
        [hash("old")]: record("old", { ref_count: 0, installed: false, deprecated_for: hash("new") }),
        [hash("new")]: record("new", { ref_count: 1 }),
      };
      await writeFile(join(root, DATABASE_PATH), JSON.stringify({ database: { version: "8", installs } }));
      await unregisterInstalls(root, [hash("old")], options);
      expect(byName(await recordsOf(root))).toEqual({ new: { ref_count: 0, installed: true } });
    }));
});

describe("unregisterAndWithdraw", () => {
  it("takes packages away once the database has forgotten them", () =>
    withNewStore(async (root, real) => {
      const install = installOf(real, "gcc-runtime", root);
      const { hash } = install.spec.root;
      await registerInstalls(root, [install], options);
      let atWithdrawal: Records | undefined;
      const withdraw = async (): Promise<void> => {
        atWithdrawal = await recordsOf(root);
      };
      await unregisterAndWithdraw(root, async () => [hash], withdraw, options);
      expect(atWithdrawal).toBeDefined();
      expect(atWithdrawal).not.toHaveProperty(hash);
    }));

  it("takes nothing away and forgets nothing when the choice fails", () =>
    withNewStore(async (root, real) => {
      const install = installOf(real, "gcc-runtime", root);
      await registerInstalls(root, [install], options);
      const refusal = new Error("no");
      const withdraw = vi.fn();
      await expect(unregisterAndWithdraw(root, () => Promise.reject(refusal), withdraw, options)).rejects.toBe(refusal);
      expect(withdraw).not.toHaveBeenCalled();
      expect(await recordsOf(root)).toHaveProperty(install.spec.root.hash);
    }));
});
