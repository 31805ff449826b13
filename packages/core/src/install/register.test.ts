import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import type { CachedSpec } from "../catalog/cached-spec.js";
import { readInstallStore } from "../spack/install-store.js";
import { parseSpecFile } from "../spack/spec-file.js";
import { StoreRegister } from "./register.js";

const LOCKING = { helperEnv: { PATH: "/usr/bin:/bin" } };

function specOf(name: string): CachedSpec {
  const arch = { platform: "linux", platform_os: "debian12", target: "x86_64" };
  const node = { name, version: "1", arch, hash: name.padEnd(32, "a") };
  const file = parseSpecFile(JSON.stringify({ spec: { _meta: { version: 5 }, nodes: [node] } }), name);
  return { ...file, diffId: digestOf(name), layerCount: 1, env: [] };
}

async function installedIn(root: string): Promise<string[]> {
  const { records } = await readInstallStore({ root });
  return [...records.values()].filter(({ installed }) => installed).map(({ spec }) => spec.name);
}

describe("StoreRegister", () => {
  it("places what waits together, in order, and one that fails keeps no other from its place", () =>
    withTemporaryFolder(async (root) => {
      const register = await StoreRegister.open(root, LOCKING, {});
      const placed: string[] = [];
      const add = (name: string): Promise<boolean> =>
        register.add(
          specOf(name),
          join(root, name),
          { explicit: false, replace: false },
          async () => {
            if (name === "bad") throw new Error("no place");
            placed.push(name);
            await mkdir(join(root, name));
          },
          {},
        );
      const names = ["one", "two", "bad", "three"];
      const outcomes = await Promise.allSettled(names.map(add));
      expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
      expect(placed).toEqual(["one", "two", "three"]);
      expect(await installedIn(root)).toEqual(["one", "two", "three"]);
      expect(await add("one")).toBe(false);
      expect(await add("four")).toBe(true);
      expect(await installedIn(root)).toEqual(["one", "two", "three", "four"]);
    }));

  it("records what comes in the pause after a writing, at the latest when no more comes", () =>
    withTemporaryFolder(async (root) => {
      const register = await StoreRegister.open(root, LOCKING, {});
      const add = (name: string): Promise<boolean> =>
        register.add(specOf(name), join(root, name), { explicit: false, replace: false }, async () => {}, {});
      let end = (): void => {};
      register.expectMore(
        new Promise<void>((resolve) => {
          end = resolve;
        }),
      );
      for (const name of ["one", "two"]) expect(await add(name)).toBe(true);
      const last = add("three");
      end();
      expect(await last).toBe(true);
      expect(await installedIn(root)).toEqual(["one", "two", "three"]);
    }));

  it("sees what another has written meanwhile", () =>
    withTemporaryFolder(async (root) => {
      const [register, another] = [
        await StoreRegister.open(root, LOCKING, {}),
        await StoreRegister.open(root, LOCKING, {}),
      ];
      const addTo = async (to: StoreRegister, name: string): Promise<boolean> => {
        const place = async (): Promise<void> => void (await mkdir(join(root, name), { recursive: true }));
        return to.add(specOf(name), join(root, name), { explicit: false, replace: false }, place, {});
      };
      expect(await addTo(register, "one")).toBe(true);
      expect(await addTo(another, "two")).toBe(true);
      expect(await addTo(register, "two")).toBe(false);
      expect(await addTo(register, "three")).toBe(true);
      expect(await addTo(another, "three")).toBe(false);
      expect(await installedIn(root)).toEqual(["one", "two", "three"]);
    }));

  it("fails all that wait when the database can't be read, and says so of each", () =>
    withTemporaryFolder(async (root) => {
      const register = await StoreRegister.open(root, LOCKING, {});
      await writeFile(join(root, ".spack-db/index.json"), "{");
      const add = (name: string): Promise<boolean> =>
        register.add(specOf(name), join(root, name), { explicit: false, replace: false }, async () => {}, {});
      for (const outcome of await Promise.allSettled(["one", "two"].map(add))) {
        expect(outcome).toMatchObject({ status: "rejected", reason: { code: "DATABASE_INVALID" } });
      }
    }));
});
