import { copyFile, mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fixturePath, unpackFixtureStore, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { readInstallStore, recordOf } from "./install-store.js";

async function withFixtureStore(task: (sysroot: string) => Promise<void>): Promise<void> {
  const fixture = await unpackFixtureStore();
  try {
    await task(fixture.path);
  } finally {
    await fixture.remove();
  }
}

const ROOT = "/opt/spack/opt/spack";
const GREETER = "53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";
const GREETER_PREFIX = `${ROOT}/linux-x86_64_v3/greeter-2.1-${GREETER}`;

async function writeDatabase(folder: string, installs: Record<string, object>): Promise<void> {
  await mkdir(join(folder, ".spack-db"), { recursive: true });
  await writeFile(join(folder, ".spack-db/index.json"), JSON.stringify({ database: { version: "8", installs } }));
}

function record(hash: string, path: string, extra: object = {}): object {
  const arch = { platform: "linux", platform_os: "debian12", target: "x86_64" };
  return { spec: { name: "zlib", version: "1.3", arch, hash }, path, installed: true, explicit: true, ...extra };
}

const A = "a".repeat(32);
const B = "b".repeat(32);

describe("readInstallStore", () => {
  it("reads a store under a sysroot, with recorded and real paths", async () => {
    await withFixtureStore(async (sysroot) => {
      const store = await readInstallStore({ root: `${ROOT}/`, sysroot });
      expect(store.root).toBe(ROOT);
      expect(store.records.size).toBe(9);
      expect(store.records.get(GREETER)).toMatchObject({
        prefix: GREETER_PREFIX,
        path: join(sysroot, GREETER_PREFIX),
        installed: true,
        external: false,
        root: ROOT,
      });
    });
  });

  it("follows links on the way to the root inside the sysroot", async () => {
    await withFixtureStore(async (sysroot) => {
      await mkdir(join(sysroot, "data"));
      await rename(join(sysroot, "opt/spack"), join(sysroot, "data/spack"));
      await symlink("/data/../../../data/spack", join(sysroot, "opt/spack"));
      const store = await readInstallStore({ root: ROOT, sysroot });
      expect(store.records.get(GREETER)).toMatchObject({
        prefix: GREETER_PREFIX,
        path: join(sysroot, "data", GREETER_PREFIX.slice("/opt/".length)),
      });
    });
  });

  it("never leaves the sysroot by a prefix that is a link", async () => {
    await withTemporaryFolder(async (sysroot) => {
      await writeDatabase(join(sysroot, "s"), { [A]: record(A, "/s/zlib") });
      await symlink("../../../../../../etc", join(sysroot, "s/zlib"));
      const store = await readInstallStore({ root: "/s", sysroot });
      expect(store.records.get(A)?.path).toBe(join(sysroot, "etc"));
    });
  });

  it("fails on links that run in a circle", async () => {
    await withTemporaryFolder(async (sysroot) => {
      await symlink("/b", join(sysroot, "a"));
      await symlink("/a/x", join(sysroot, "b"));
      await expect(readInstallStore({ root: "/a/store", sysroot })).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    });
  });

  it("takes the root as recorded where the given one is a link to it", async () => {
    await withTemporaryFolder(async (folder) => {
      const real = join(folder, "real");
      await writeDatabase(real, { [A]: record(A, `${real}/zlib`) });
      await symlink(real, join(folder, "link"));
      const store = await readInstallStore({ root: join(folder, "link") });
      expect(store.root).toBe(real);
      expect(store.records.get(A)).toMatchObject({ prefix: `${real}/zlib`, path: `${real}/zlib`, root: real });
    });
  });

  it("says that a store made for another place needs --sysroot", async () => {
    await withTemporaryFolder(async (folder) => {
      await mkdir(join(folder, ".spack-db"));
      await copyFile(fixturePath("small/store-index.json"), join(folder, ".spack-db/index.json"));
      await expect(readInstallStore({ root: folder })).rejects.toMatchObject({
        code: "STORE_NOT_FOUND",
        hint: expect.stringContaining("--sysroot"),
      });
    });
  });

  it("says STORE_NOT_FOUND where there is no database", async () => {
    await withTemporaryFolder(async (folder) => {
      await expect(readInstallStore({ root: folder })).rejects.toMatchObject({ code: "STORE_NOT_FOUND" });
    });
  });

  it("adds the records of upstreams, of which installed ones stand in for missing ones", async () => {
    await withTemporaryFolder(async (sysroot) => {
      await writeDatabase(join(sysroot, "own"), { [A]: record(A, "/own/zlib", { installed: false }) });
      await writeDatabase(join(sysroot, "up"), { [A]: record(A, "/up/a"), [B]: record(B, "/up/b") });
      await writeDatabase(join(sysroot, "far"), { [B]: record(B, "/far/b") });
      const store = await readInstallStore({ root: "/own", sysroot, upstreams: ["/up", "/far"] });
      expect([...store.records.values()].map(({ prefix, root }) => [prefix, root])).toEqual([
        ["/up/a", "/up"],
        ["/up/b", "/up"],
      ]);
    });
  });

  it("keeps external packages without a path", async () => {
    await withTemporaryFolder(async (sysroot) => {
      const spec = { name: "mpi", version: "1", hash: A, external: { path: null, module: ["mpi"] } };
      await writeDatabase(join(sysroot, "s"), { [A]: { spec, path: null, installed: true } });
      const store = await readInstallStore({ root: "/s", sysroot });
      expect(store.records.get(A)).toMatchObject({ external: true, prefix: "", path: "" });
    });
  });

  it("says DATABASE_INVALID for an installed package without a path", async () => {
    await withTemporaryFolder(async (sysroot) => {
      await writeDatabase(join(sysroot, "s"), { [A]: { ...record(A, "/s/x"), path: null }, [B]: record(B, "/s/b") });
      await expect(readInstallStore({ root: "/s", sysroot })).rejects.toMatchObject({ code: "DATABASE_INVALID" });
    });
  });
});

describe("recordOf", () => {
  it("names the dependency that the database lacks", async () => {
    await withTemporaryFolder(async (sysroot) => {
      const needy = record(A, "/s/zlib") as { spec: object };
      const spec = { ...needy.spec, dependencies: [{ name: "gone", hash: B, parameters: { deptypes: ["link"] } }] };
      await writeDatabase(join(sysroot, "s"), { [A]: { ...needy, spec } });
      const store = await readInstallStore({ root: "/s", sysroot });
      const parent = store.records.get(A);
      expect(() => recordOf(store, B, parent?.spec as never)).toThrow(
        expect.objectContaining({
          code: "DATABASE_INVALID",
          message: expect.stringContaining(`zlib@1.3 needs gone/${B}`),
        }),
      );
    });
  });
});
