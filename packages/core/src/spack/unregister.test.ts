import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type DatabaseRecords,
  hashOfName,
  INSTALLATION_TIME,
  installFor,
  readSmallStore,
  recordsOf,
  referencesOf,
  SMALL_ROOT,
  specOf,
  withTemporaryFolder,
} from "@spkoci/testkit";
import { describe, expect, it, vi } from "vitest";
import { DATABASE_PATH } from "./database.js";
import type { InstallStore } from "./install-store.js";
import { composeSpecFile } from "./spec-file.js";
import {
  createStore,
  type Install,
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
function installOf(store: InstallStore, name: string, root: string, explicit = false): Install {
  const record = [...store.records.values()].find(({ spec }) => spec.name === name);
  if (record === undefined) throw new Error(`no ${name}`);
  const prefix = record.prefix.replace(SMALL_ROOT, root);
  return { spec: composeSpecFile(store, record), prefix, explicit, installationTime: INSTALLATION_TIME };
}

const withNewStore = (task: (root: string, real: InstallStore) => Promise<void>) =>
  withTemporaryFolder(async (folder) => {
    const root = join(folder, "store");
    await createStore(root, options);
    await task(root, await readSmallStore(folder));
  });

describe("unregistering", () => {
  const DIAMOND = { top: ["left", "right"], left: ["lib"], right: ["lib", "tool"], lib: [], tool: [] };

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
      await unregisterInstalls(root, [hashOfName("lib")], options);
      expect(referencesOf(await recordsOf(root))).toMatchObject({ lib: { ref_count: 2, installed: false } });
    }));

  it("removes a record that nothing needs, and with it the missing ones that were kept for it", () =>
    withNewStore(async (root) => {
      await registerDiamond(root, ["lib", "left", "right", "top"]);
      await unregisterInstalls(root, [hashOfName("top")], options);
      expect(referencesOf(await recordsOf(root))).toEqual({
        left: { ref_count: 0, installed: true },
        right: { ref_count: 0, installed: true },
        lib: { ref_count: 2, installed: true },
        tool: { ref_count: 1, installed: false },
      });
      await unregisterInstalls(root, [hashOfName("right")], options);
      expect(referencesOf(await recordsOf(root))).toEqual({
        left: { ref_count: 0, installed: true },
        lib: { ref_count: 1, installed: true },
      });
    }));

  it("ends with the same records in whatever order packages are named, and passes over unknown ones", () =>
    withNewStore(async (root) => {
      await registerDiamond(root, ["lib", "left", "right", "top"]);
      await unregisterInstalls(root, ["lib", "none", "right", "top", "left"].map(hashOfName), options);
      expect(await recordsOf(root)).toEqual({});
    }));

  it("undoes what registering did", () =>
    withNewStore(async (root, real) => {
      await registerInstalls(root, [installOf(real, "greeter", root)], options);
      const before = referencesOf(await recordsOf(root));
      const plugin = installOf(real, "greet-plugin", root);
      await registerInstalls(root, [plugin], options);
      await unregisterInstalls(root, [plugin.spec.root.hash], options);
      expect(referencesOf(await recordsOf(root))).toEqual(before);
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
        [hashOfName("old")]: record("old", { ref_count: 0, installed: false, deprecated_for: hashOfName("new") }),
        [hashOfName("new")]: record("new", { ref_count: 1 }),
      };
      await writeFile(join(root, DATABASE_PATH), JSON.stringify({ database: { version: "8", installs } }));
      await unregisterInstalls(root, [hashOfName("old")], options);
      expect(referencesOf(await recordsOf(root))).toEqual({ new: { ref_count: 0, installed: true } });
    }));
});

describe("unregisterAndWithdraw", () => {
  it("takes packages away once the database has forgotten them", () =>
    withNewStore(async (root, real) => {
      const install = installOf(real, "gcc-runtime", root);
      const { hash } = install.spec.root;
      await registerInstalls(root, [install], options);
      let atWithdrawal: DatabaseRecords | undefined;
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
