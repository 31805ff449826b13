import { existsSync, type Stats } from "node:fs";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { createTemporaryFolder, fixturePath, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun, startSpkoci } from "./support/run-spkoci.js";

const DATABASE = ".spack-db/index.json";

let folder: TemporaryFolder;
/** Short enough for the fixture's packages; removed after the test. */
let root: string;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  root = await mkdtemp(join(tmpdir(), "s"));
});

afterEach(async () => {
  await folder.remove();
  await rm(root, { recursive: true, force: true });
});

function spkoci(...words: string[]): Promise<SpkociRun> {
  return runSpkoci(words, { cwd: folder.path, env: { SPKOCI_ROOT: root, SPKOCI_CACHE_DIR: "cache" } });
}

async function installGreeter(): Promise<void> {
  const { exitCode, stderr } = await spkoci("install", `oci:${fixturePath("small/cache")}`, "greeter");
  expect(exitCode, stderr).toBe(0);
}

interface Found {
  readonly name: string;
  readonly prefix: string;
}

async function installed(): Promise<Found[]> {
  return (JSON.parse((await spkoci("find", "--json")).stdout) as { packages: Found[] }).packages;
}

const namesOf = (packages: readonly Found[]): string[] => packages.map(({ name }) => name);

describe("uninstall", () => {
  it("refuses while others need the package, and names them", async () => {
    await installGreeter();
    const { stdout, stderr, exitCode } = await spkoci("uninstall", "libgreet");
    expect(stderr).toMatch(
      /^spkoci: error: libgreet@1\.0\/vxd7hjt: still needed by greeter@2\.1\/53zaetj\nhint: .*--dependents/,
    );
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 3 });
    expect(await installed()).toHaveLength(3);
  });

  it("says what it would remove, then removes it with dependents, and it can be installed again", async () => {
    await installGreeter();
    const dry = await spkoci("uninstall", "--dry-run", "--dependents", "libgreet");
    expect(dry.stdout).toMatch(/^greeter@2\.1\S+ +\S+ +dependent\nlibgreet@1\.0\S+ +\S+ +named\n\n2 to remove/m);
    expect(await installed()).toHaveLength(3);
    const done = await spkoci("uninstall", "--dependents", "--json", "libgreet");
    expect(JSON.parse(done.stdout)).toMatchObject({
      root,
      packages: [
        { name: "greeter", asked: false },
        { name: "libgreet", asked: true },
      ],
    });
    expect(namesOf(await installed())).toEqual(["gcc-runtime"]);
    expect(await readdir(join(root, "linux-x86_64_v3"))).toEqual([expect.stringMatching(/^gcc-runtime-/)]);
    await installGreeter();
    expect((await spkoci("verify")).stdout).toBe("3 intact, 0 different\n");
  });

  it.each([
    ["its folder is made", async () => (await readdir(join(root, ".spkoci", "spool"))).length > 0],
    ["the database is written", async (old: Stats) => (await stat(join(root, DATABASE))).ino !== old.ino],
    ["a prefix is gone", async () => (await readdir(join(root, "linux-x86_64_v3"))).length < 3],
  ])("killed as soon as %s, leaves a database that names only what is there", async (_when, isTime) => {
    await installGreeter();
    const old = await stat(join(root, DATABASE));
    const env = { SPKOCI_ROOT: root };
    const { process, ended } = startSpkoci(["uninstall", "--dependents", "gcc-runtime"], { cwd: folder.path, env });
    while (process.exitCode === null && !(await isTime(old))) await setImmediate();
    process.kill("SIGKILL");
    await ended;
    const packages = await installed();
    expect(packages.filter(({ prefix }) => !existsSync(prefix))).toEqual([]);
    expect([0, 3]).toContain(packages.length);
    await installGreeter();
    expect((await spkoci("verify")).stdout).toBe("3 intact, 0 different\n");
    expect(await readdir(join(root, ".spkoci", "spool"))).toEqual([]);
  });

  it("offers the nearest names for a package that isn't there, and says where it looked for a store", async () => {
    const nowhere = await spkoci("uninstall", "greeter");
    expect(nowhere.stderr).toMatch(new RegExp(`^spkoci: error: no Spack store at ${root}\nhint: `));
    expect(nowhere.exitCode).toBe(3);
    await installGreeter();
    const unknown = await spkoci("uninstall", "greter");
    expect(unknown.stderr).toMatch(/no installed package matches greter\nhint: Did you mean greeter/);
    expect(unknown.exitCode).toBe(4);
  });
});

describe("verify", () => {
  it("is content with what was installed, and tells what was changed by exit code 7", async () => {
    await installGreeter();
    expect(await spkoci("verify")).toEqual({
      stdout: "3 intact, 0 different\n",
      stderr: expect.not.stringContaining("error"),
      exitCode: 0,
    });
    const [greeter] = (await installed()).filter(({ name }) => name === "greeter");
    await writeFile(join(greeter?.prefix ?? "", "bin", "more"), "");
    const changed = await spkoci("verify", "greeter");
    expect(changed.stdout).toBe(
      `greeter@2.1/53zaetj in ${greeter?.prefix}\n  bin/more: added\n\n0 intact, 1 different\n`,
    );
    expect(changed.exitCode).toBe(7);
    const json = await spkoci("verify", "--json", "greeter");
    expect(JSON.parse(json.stdout)).toMatchObject({
      packages: [{ name: "greeter", outcome: "different", differences: [{ path: "bin/more", kind: "added" }] }],
    });
    expect((await spkoci("verify", "libgreet")).exitCode).toBe(0);
  });

  it("tells of a manifest that it can't read by exit code 10", async () => {
    await installGreeter();
    const [greeter] = (await installed()).filter(({ name }) => name === "greeter");
    await writeFile(join(greeter?.prefix ?? "", ".spack", "install_manifest.json"), "[]");
    const { stdout, stderr, exitCode } = await spkoci("verify");
    expect(stdout).toBe("2 intact, 0 different, 1 failed\n");
    expect(stderr).toMatch(/greeter@2\.1\/53zaetj: .*install_manifest\.json is no install manifest/);
    expect(exitCode).toBe(10);
  });
});

describe("cache", () => {
  it("says what install keeps, and removes it", async () => {
    const cache = join(folder.path, "cache");
    expect((await spkoci("cache", "info")).stdout).toBe(`${cache}: 0 layers, 0 B; digests of 0 packages\n`);
    await installGreeter();
    expect((await spkoci("cache", "info")).stdout).toBe(`${cache}: 3 layers, 86.3 KiB; digests of 0 packages\n`);
    const clean = await spkoci("cache", "clean", "--json");
    expect(JSON.parse(clean.stdout)).toEqual({ folder: cache, layers: 3, bytes: 88_403, remembered: 0 });
    expect((await spkoci("cache", "info", "--json")).stdout).toBe(
      `${JSON.stringify({ folder: cache, layers: 0, bytes: 0, remembered: 0 })}\n`,
    );
    expect((await spkoci("verify")).exitCode).toBe(0);
  });

  it("says which actions there are", async () => {
    const { stderr, exitCode } = await spkoci("cache", "empty");
    expect(stderr).toMatch(/action: must be info or clean/);
    expect(exitCode).toBe(2);
  });
});
