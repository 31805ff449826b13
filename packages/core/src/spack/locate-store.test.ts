import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { locateStore } from "./locate-store.js";

async function makeStore(root: string): Promise<void> {
  await mkdir(join(root, ".spack-db"), { recursive: true });
  await writeFile(join(root, ".spack-db/index.json"), "{}");
}

/** A `spack` that runs this shell script. */
async function makeSpack(folder: string, script: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "spack"), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, "spack"), 0o755);
}

describe("locateStore", () => {
  it("takes the given store, or the one of the given checkout", async () => {
    await withTemporaryFolder(async (folder) => {
      const root = join(folder, "spack/opt/spack");
      await makeStore(root);
      const expected = { root, upstreams: [], source: "given" };
      expect(await locateStore({ store: root, env: {} })).toEqual(expected);
      expect(await locateStore({ store: `${root}/`, env: {} })).toEqual(expected);
      expect(await locateStore({ store: join(folder, "spack"), env: { SPACK_ROOT: "/elsewhere" } })).toEqual(expected);
    });
  });

  it("says STORE_NOT_FOUND for a given folder without a store", async () => {
    await withTemporaryFolder(async (folder) => {
      await expect(locateStore({ store: folder, env: {} })).rejects.toMatchObject({
        code: "STORE_NOT_FOUND",
        message: `no Spack store at ${folder}`,
        hint: expect.stringContaining(".spack-db"),
      });
    });
  });

  it("takes a store under a sysroot as it is recorded, and as it lies on this disk", async () => {
    await withTemporaryFolder(async (sysroot) => {
      await makeStore(join(sysroot, "data/store"));
      await symlink("/data", join(sysroot, "mnt"));
      const locate = async (store: string) => (await locateStore({ store, sysroot, env: {} })).root;
      expect(await locate("/data/store")).toBe("/data/store");
      expect(await locate("/mnt/store")).toBe("/mnt/store");
      expect(await locate(join(sysroot, "data/store"))).toBe("/data/store");
    });
  });

  it("finds the one store at the usual places of a sysroot", async () => {
    await withTemporaryFolder(async (sysroot) => {
      await expect(locateStore({ sysroot, env: {} })).rejects.toMatchObject({ code: "STORE_NOT_FOUND" });
      await makeStore(join(sysroot, "opt/software"));
      expect(await locateStore({ sysroot, env: {} })).toEqual({
        root: "/opt/software",
        upstreams: [],
        source: "sysroot",
      });
      await makeStore(join(sysroot, "opt/spack/opt/spack"));
      await expect(locateStore({ sysroot, env: {} })).rejects.toMatchObject({
        code: "STORE_NOT_FOUND",
        message: expect.stringContaining("/opt/spack/opt/spack, /opt/software"),
      });
    });
  });

  it("takes the store of SPACK_ROOT before it asks a spack", async () => {
    await withTemporaryFolder(async (folder) => {
      const root = join(folder, "opt/spack");
      await makeStore(root);
      await makeSpack(join(folder, "bin"), "exit 1");
      const env = { SPACK_ROOT: folder, PATH: join(folder, "bin") };
      expect(await locateStore({ env })).toEqual({ root, upstreams: [], source: "SPACK_ROOT" });
    });
  });

  it("asks the spack on the PATH for its store and its upstreams", async () => {
    await withTemporaryFolder(async (folder) => {
      const root = join(folder, "store");
      await makeStore(root);
      const answer = JSON.stringify({ root, upstreams: ["/up/stream"] });
      await makeSpack(
        join(folder, "bin"),
        `[ "$1 $2" = "python -c" ] && echo "==> note" && echo 'spkoci-store:${answer}'`,
      );
      const env = { PATH: `/nowhere:${join(folder, "bin")}:/usr/bin:/bin`, SPACK_ROOT: join(folder, "other") };
      expect(await locateStore({ env })).toEqual({ root, upstreams: ["/up/stream"], source: "spack" });
    });
  });

  it("says SPACK_FAILED with what spack said last", async () => {
    await withTemporaryFolder(async (folder) => {
      await makeSpack(folder, "echo first >&2; echo '==> Error: no python' >&2; exit 1");
      await expect(locateStore({ env: { PATH: folder } })).rejects.toMatchObject({
        code: "SPACK_FAILED",
        message: `${folder}/spack python failed: ==> Error: no python`,
      });
    });
  });

  it.each(["echo hello", "echo spkoci-store:null", `echo 'spkoci-store:{"root":"store","upstreams":[]}'`])(
    "says SPACK_FAILED for an answer without a store: %s",
    async (script) => {
      await withTemporaryFolder(async (folder) => {
        await makeSpack(folder, script);
        await expect(locateStore({ env: { PATH: folder } })).rejects.toMatchObject({ code: "SPACK_FAILED" });
      });
    },
  );

  it("says SPACK_FAILED for an answer that is cut off", async () => {
    await withTemporaryFolder(async (folder) => {
      await makeSpack(folder, "echo 'spkoci-store:{'");
      await expect(locateStore({ env: { PATH: folder } })).rejects.toMatchObject({ code: "SPACK_FAILED" });
    });
  });

  it("says STORE_NOT_FOUND where spack's store has no database yet", async () => {
    await withTemporaryFolder(async (folder) => {
      await makeSpack(folder, `echo 'spkoci-store:{"root":"${folder}","upstreams":[]}'`);
      await expect(locateStore({ env: { PATH: folder } })).rejects.toMatchObject({ code: "STORE_NOT_FOUND" });
    });
  });

  it("says how to name a store where nothing leads to one", async () => {
    await expect(locateStore({ env: { PATH: "/nowhere" } })).rejects.toMatchObject({
      code: "STORE_NOT_FOUND",
      hint: expect.stringContaining("--store"),
    });
  });
});
