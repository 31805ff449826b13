import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fixturePath } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { install } from "../install/install.js";
import { DATABASE_PATH } from "../spack/database.js";
import { type InstallRecord, readInstallStore } from "../spack/install-store.js";
import { planUninstall, type UninstallOptions, type UninstallResult, uninstall } from "./uninstall.js";

const env = { PATH: process.env.PATH };

let folder: string;
let aliases: string;
let root: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-uninstall-"));
  aliases = await mkdtemp("/tmp/s-");
  root = join(folder, "store");
  await installGreeter();
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(aliases, { recursive: true, force: true });
});

async function installGreeter(): Promise<void> {
  const sources = [`oci:${fixturePath("small/cache")}`];
  const cacheDir = join(folder, "cache");
  const { totals } = await install({ sources, specs: ["greeter"], root, cacheDir, aliasDir: aliases, env });
  expect(totals.failed).toBe(0);
}

function options(specs: readonly string[], changes: Partial<UninstallOptions> = {}): UninstallOptions {
  return { root, specs, env, ...changes };
}

async function recordOf(name: string): Promise<InstallRecord> {
  const records = [...(await readInstallStore({ root })).records.values()];
  const found = records.find(({ spec, external }) => spec.name === name && !external);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

async function installedNames(): Promise<string[]> {
  const records = [...(await readInstallStore({ root })).records.values()];
  return records.flatMap(({ spec, installed, external }) => (installed && !external ? [spec.name] : [])).sort();
}

const namesOf = ({ packages }: UninstallResult): string[] => packages.map(({ name, asked }) => `${name} ${asked}`);

/** Changes the text of the database. */
async function editDatabase(from: string, to: string): Promise<void> {
  const path = join(root, DATABASE_PATH);
  const text = await readFile(path, "utf8");
  expect(text).toContain(from);
  await writeFile(path, text.replaceAll(from, to));
}

describe("uninstall", () => {
  it("removes a package from disk and database, and nothing of others", async () => {
    const { prefix } = await recordOf("greeter");
    const result = await uninstall(options(["greeter"]));
    expect(result.packages).toEqual([
      { name: "greeter", version: "2.1", hash: "53zaetjpu7mwvi3vv3n2rag7yc3a4nuh", prefix, asked: true },
    ]);
    expect(existsSync(prefix)).toBe(false);
    expect(await installedNames()).toEqual(["gcc-runtime", "libgreet"]);
    expect(existsSync((await recordOf("libgreet")).prefix)).toBe(true);
    expect(await readdir(join(root, ".spkoci", "spool"))).toEqual([]);
  });

  it("refuses while installed packages need it, naming them, and changes nothing", async () => {
    const before = await readFile(join(root, DATABASE_PATH), "utf8");
    await expect(uninstall(options(["gcc-runtime"]))).rejects.toMatchObject({
      code: "HAS_DEPENDENTS",
      message: expect.stringMatching(/^gcc-runtime@12\.2\.0\/\w{7}: still needed by .*libgreet@1\.0\/vxd7hjt/),
      hint: expect.stringContaining("--dependents"),
    });
    expect(await readFile(join(root, DATABASE_PATH), "utf8")).toBe(before);
    expect(existsSync((await recordOf("gcc-runtime")).prefix)).toBe(true);
  });

  it("removes dependents too when told, each before what it needs", async () => {
    const result = await uninstall(options(["gcc-runtime"], { dependents: true }));
    expect(namesOf(result)).toEqual(["greeter false", "libgreet false", "gcc-runtime true"]);
    expect(await installedNames()).toEqual([]);
    expect(await readdir(join(root, "linux-x86_64_v3"))).toEqual([]);
  });

  it("needs no more than all of them to be named", async () => {
    expect(namesOf(await uninstall(options(["libgreet", "greeter"])))).toEqual(["greeter true", "libgreet true"]);
  });

  it("leaves the links of the alias folder, which lead to the package when it comes back", async () => {
    const links = await readdir(aliases);
    expect(links.length).toBeGreaterThan(0);
    await uninstall(options(["libgreet"], { dependents: true }));
    expect(await readdir(aliases)).toEqual(links);
    await installGreeter();
    for (const link of links) expect(existsSync(await readlink(join(aliases, link)))).toBe(true);
  });

  it("forgets a package whose prefix is gone", async () => {
    await rm((await recordOf("greeter")).prefix, { recursive: true });
    await uninstall(options(["greeter"]));
    expect(await installedNames()).toEqual(["gcc-runtime", "libgreet"]);
  });

  it("forgets nothing that it can't remove", async () => {
    const { prefix } = await recordOf("greeter");
    await rename(dirname(prefix), join(folder, "aside"));
    await writeFile(dirname(prefix), "no folder");
    await expect(uninstall(options(["greeter"]))).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining(prefix),
    });
    expect(await installedNames()).toContain("greeter");
  });

  it("removes a link at a prefix, and leaves the folder it leads to", async () => {
    const { prefix } = await recordOf("greeter");
    const elsewhere = join(folder, "elsewhere");
    await rename(prefix, elsewhere);
    await symlink(elsewhere, prefix);
    await uninstall(options(["greeter"]));
    expect(existsSync(prefix)).toBe(false);
    expect(await readdir(elsewhere)).toContain("bin");
  });

  it("removes what is there while others read the database: what it names as installed is always there", async () => {
    let missing = 0;
    let done = false;
    const removal = uninstall(options(["gcc-runtime"], { dependents: true })).finally(() => {
      done = true;
    });
    const prefixes = (await readInstallStore({ root })).records;
    while (!done) {
      // Looked at in this order, a prefix that is gone was forgotten before.
      const gone = [...prefixes.values()].filter(({ prefix, external }) => !external && !existsSync(prefix));
      const records = (await readInstallStore({ root })).records;
      missing += gone.filter(({ spec }) => records.get(spec.hash)?.installed === true).length;
    }
    await removal;
    expect(missing).toBe(0);
  });

  it.each([
    ["outside of the store", () => folder],
    ["in the store's own folder", () => join(root, ".spack-db")],
    ["that is the whole store", () => root],
  ])("removes nothing at a recorded prefix %s", async (_what, prefixOf) => {
    const { prefix } = await recordOf("greeter");
    await editDatabase(JSON.stringify(prefix), JSON.stringify(prefixOf()));
    await expect(uninstall(options(["greeter"]))).rejects.toMatchObject({ code: "DATABASE_INVALID" });
    expect(await installedNames()).toEqual(["gcc-runtime", "greeter", "libgreet"]);
    expect(existsSync(prefix)).toBe(true);
  });

  it("removes nothing at a prefix that another package has too", async () => {
    const other = await recordOf("libgreet");
    await editDatabase(JSON.stringify((await recordOf("greeter")).prefix), JSON.stringify(other.prefix));
    await expect(uninstall(options(["greeter"]))).rejects.toMatchObject({ code: "DATABASE_INVALID" });
    expect(existsSync(other.prefix)).toBe(true);
  });

  it("stops at an abort before anything is removed", async () => {
    const reason = new Error("enough");
    await expect(uninstall(options(["greeter"]), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await installedNames()).toContain("greeter");
    expect(await readdir(join(root, ".spkoci", "spool"))).toEqual([]);
  });

  it("names the nearest package for one that isn't there, and says where there is no store", async () => {
    await expect(uninstall(options(["greter"]))).rejects.toMatchObject({ code: "SPEC_NOT_FOUND" });
    await expect(uninstall({ root: join(folder, "no"), specs: ["a"] })).rejects.toMatchObject({
      code: "STORE_NOT_FOUND",
    });
    expect(await readdir(folder)).not.toContain("no");
  });
});

describe("planUninstall", () => {
  it("says what would be removed, or refused, and changes nothing", async () => {
    await expect(planUninstall(options(["libgreet"]))).rejects.toMatchObject({ code: "HAS_DEPENDENTS" });
    const plan = await planUninstall(options(["libgreet"], { dependents: true }));
    expect(namesOf(plan)).toEqual(["greeter false", "libgreet true"]);
    expect(await installedNames()).toEqual(["gcc-runtime", "greeter", "libgreet"]);
  });
});
