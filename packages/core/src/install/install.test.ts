import { execFile } from "node:child_process";
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import type { SpkociEvent } from "../base/events.js";
import { readInstallStore } from "../spack/install-store.js";
import { install, planInstall } from "./install.js";
import type { InstallOptions } from "./options.js";

const run = promisify(execFile);
const cache = fileURLToPath(new URL("../../../../fixtures/small/cache", import.meta.url));
const GREETER = "linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";
const OLD_ROOT = "/opt/spack/opt/spack";

let folder: string;
/** A short path, as an alias folder must be. */
let aliases: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-install-"));
  aliases = await mkdtemp("/tmp/s-");
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(aliases, { recursive: true, force: true });
});

function options(changes: Partial<InstallOptions> = {}): InstallOptions {
  return {
    sources: [`oci:${cache}`],
    specs: ["greeter"],
    root: join(folder, "store"),
    cacheDir: join(folder, "cache"),
    aliasDir: aliases,
    env: { PATH: process.env.PATH },
    ...changes,
  };
}

const outcomes = (result: Awaited<ReturnType<typeof install>>): string[] =>
  result.packages.map(
    ({ name, outcome, error }) => `${name} ${outcome}${error ? ` ${error.code} ${error.message}` : ""}`,
  );

async function filesOf(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) found.push(join(entry.parentPath, entry.name));
  }
  return found;
}

describe("install from a cache that Spack wrote", () => {
  it.each([
    ["shorter", () => join("/tmp", `s${process.pid}`)],
    ["longer", () => join(folder, "a-root-that-is-longer-than-the-old-one")],
    ["200 characters long", () => join(folder, "x".repeat(200 - folder.length - 1))],
  ])("puts packages under a root that is %s, and its programs run", async (_what, rootOf) => {
    const root = rootOf();
    try {
      const result = await install(options({ root }));
      expect(outcomes(result)).toEqual(["gcc-runtime installed", "libgreet installed", "greeter installed"]);
      const greeter = join(root, GREETER);
      expect((await run(join(greeter, "bin/greeter"), ["Ada"])).stdout).toBe("Hello, Ada!\n");
      expect((await run(join(greeter, "bin/greet-all"), ["Ada", "Grace"])).stdout).toBe("Hello, Ada!\nHello, Grace!\n");
      expect((await run(join(greeter, "bin/greet-friends"))).stdout).toBe("Hello, Ada!\nHello, Grace!\n");
      const { stdout } = await run("ldd", [join(greeter, "bin/greeter")]);
      expect(stdout).toContain(`${root}/linux-x86_64_v3/libgreet-`);
      expect(stdout).not.toContain(`=> ${OLD_ROOT}`);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });

  it("leaves the old root in no file but Spack's own records, archives of object files, and data", async () => {
    const { root, packages } = await install(options());
    const left: string[] = [];
    for (const file of await filesOf(root)) {
      if (!file.includes("/.spack/") && (await readFile(file)).includes(OLD_ROOT)) left.push(file);
    }
    expect(left.map((file) => file.slice(root.length + 1)).sort()).toEqual([
      `${GREETER}/share/greeter/blob.bin`,
      "linux-x86_64_v3/libgreet-1.0-vxd7hjtucqhfb2xibbvbaje6fla7ikff/lib/libgreet.a",
    ]);
    expect(packages.map(({ remains }) => remains)).toEqual([[], ["lib/libgreet.a"], ["share/greeter/blob.bin"]]);
  });

  it("makes the links in the root unless told where, if that is short enough", async () => {
    const result = await install(options({ aliasDir: undefined }));
    expect(result.totals).toMatchObject({ installed: 3, failed: 0 });
    expect((await readdir(join(folder, "store", ".spkoci", "a"))).length).toBeGreaterThan(0);
    expect((await run(join(folder, "store", GREETER, "bin/greeter"), ["Ada"])).stdout).toBe("Hello, Ada!\n");
  });

  it("names the strings that have no room, the longest root that works, and the ways out", async () => {
    const root = join(folder, "x".repeat(90));
    const warnings: string[] = [];
    const emit = (event: SpkociEvent): void => {
      if (event.type === "warning") warnings.push(event.message);
    };
    await planInstall(options({ root, aliasDir: undefined }), { emit });
    expect(warnings).toEqual([
      expect.stringMatching(/root is too long .*: gcc-runtime@12.2.0, libgreet@1.0, greeter@2.1/),
    ]);
    const result = await install(options({ root, aliasDir: undefined }));
    const library = result.packages.find(({ name }) => name === "libgreet");
    expect(library?.error).toMatchObject({ code: "RELOCATION_TOO_LONG" });
    expect(library?.error?.message).toContain("lib/libgreet.so.1.0 has 82 bytes");
    expect(library?.error?.hint).toMatch(/at most 64 bytes.*--alias-dir.*--allow-unrelocatable/);
    expect(result.packages[2]?.error?.code).toBe("DEPENDENCY_FAILED");
    expect(await readdir(join(root, "linux-x86_64_v3"))).toEqual([expect.stringContaining("gcc-runtime")]);
  });

  it("leaves such strings and tells of them when allowed", async () => {
    const warnings: string[] = [];
    const emit = (event: SpkociEvent): void => {
      if (event.type === "warning") warnings.push(event.message);
    };
    const root = join(folder, "x".repeat(90));
    const result = await install(options({ root, aliasDir: undefined, allowUnrelocatable: true }), { emit });
    expect(result.totals).toMatchObject({ installed: 3, failed: 0 });
    expect(warnings.join("\n")).toContain("libgreet@1.0: lib/libgreet.so.1.0 still names");
  });

  it("remembers the store's alias folder, and refuses another", async () => {
    const { root } = await install(options({ specs: ["libgreet"] }));
    const later = await install(options({ specs: ["greeter"], aliasDir: undefined }));
    expect(later.totals).toMatchObject({ installed: 1, failed: 0 });
    expect((await readdir(aliases)).length).toBeGreaterThan(0);
    await expect(install(options({ root, aliasDir: "/tmp/other" }))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  it("keeps links, hard links and modes, and makes absolute links point into the new store", async () => {
    const { root } = await install(options());
    const at = (path: string): string => join(root, GREETER, path);
    expect((await lstat(at("bin/greeter"))).ino).toBe((await lstat(at("bin/greeter-hardlink"))).ino);
    expect((await lstat(at("bin/greeter"))).mode & 0o777).toBe(0o755);
    const { stdout } = await run("readlink", [
      at("share/greeter/greeter-abs"),
      at("share/greeter/outside"),
      at("share/greeter/dangling"),
    ]);
    expect(stdout.split("\n").slice(0, 3)).toEqual([at("bin/greeter"), "/etc/hostname", "does-not-exist"]);
  });

  it("records the packages in the store's database, the one asked for as explicit", async () => {
    const { root } = await install(options());
    const { records } = await readInstallStore({ root });
    const installed = [...records.values()].filter((record) => record.installed && !record.external);
    expect(installed.map(({ spec, explicit }) => `${spec.name} ${explicit}`).sort()).toEqual([
      "gcc-runtime false",
      "greeter true",
      "libgreet false",
    ]);
    for (const record of installed) expect((await lstat(record.prefix)).isDirectory()).toBe(true);
  });

  it("records a dependency as explicit once it is asked for by name", async () => {
    const { root } = await install(options());
    await install(options({ specs: ["libgreet"] }));
    const { records } = await readInstallStore({ root });
    const explicit = [...records.values()].filter((record) => record.explicit).map(({ spec }) => spec.name);
    expect(explicit.sort()).toEqual(["greeter", "libgreet"]);
  });

  it("installs again what is named, when forced, and leaves its dependencies", async () => {
    const { root } = await install(options());
    await rm(join(root, GREETER, "bin"), { recursive: true });
    const again = await install(options({ force: true }));
    expect(outcomes(again)).toEqual(["gcc-runtime skipped", "libgreet skipped", "greeter installed"]);
    expect((await run(join(root, GREETER, "bin/greeter"), ["Ada"])).stdout).toBe("Hello, Ada!\n");
  });

  it("refuses a cache whose layout is newer than it knows", async () => {
    const cached = await readFile(join(cache, "index.json"), "utf8");
    const copy = join(folder, "copy");
    await cp(cache, copy, { recursive: true });
    const entry = JSON.parse(cached).manifests.find((one: object) => JSON.stringify(one).includes("greeter-2.1"));
    const blob = (digest: string): string => join(copy, "blobs", digest.replace(":", "/"));
    const manifest = JSON.parse(await readFile(blob(entry.digest), "utf8"));
    const config = (await readFile(blob(manifest.config.digest), "utf8")).replace(
      '"buildcache_layout_version":3',
      '"buildcache_layout_version":9',
    );
    const put = async (text: string) => {
      const digest = digestOf(text);
      await writeFile(blob(digest), text);
      return { digest, size: Buffer.byteLength(text) };
    };
    Object.assign(manifest.config, await put(config));
    const changed = await put(JSON.stringify(manifest));
    const index = JSON.parse(cached);
    for (const one of index.manifests) if (one.digest === entry.digest) Object.assign(one, changed);
    await writeFile(join(copy, "index.json"), JSON.stringify(index));
    await expect(install(options({ sources: [`oci:${copy}`] }))).rejects.toMatchObject({
      code: "DOCUMENT_INVALID",
      message: expect.stringContaining("cache layout 9"),
      hint: expect.stringContaining("newer spkoci"),
    });
  });

  it("a second install fetches and changes nothing", async () => {
    await install(options());
    const again = await install(options());
    expect(outcomes(again)).toEqual(["gcc-runtime skipped", "libgreet skipped", "greeter skipped"]);
    expect(again.totals.bytesFetched).toBe(0);
  });

  it("takes layers from the local cache for another root", async () => {
    const first = await install(options());
    const second = await install(options({ root: join(folder, "other") }));
    expect(first.totals.bytesFetched).toBeGreaterThan(80_000);
    expect(second.totals).toMatchObject({ installed: 3, bytesFetched: 0 });
  });

  it("keeps no local cache when told", async () => {
    await install(options({ noCache: true }));
    expect(await readdir(folder)).toEqual(["store"]);
  });

  it("tells what it would do, with bytes, and writes nothing", async () => {
    const plan = await planInstall(options());
    expect(plan.packages.map(({ name, action, explicit }) => `${name} ${action} ${explicit}`)).toEqual([
      "gcc-runtime install false",
      "libgreet install false",
      "greeter install true",
    ]);
    expect(plan.packages.reduce((sum, { layerSize }) => sum + layerSize, 0)).toBe(88_403);
    expect(await readdir(folder)).toEqual([]);
  });

  it("finds packages by tags where there is no index", async () => {
    const bare = join(folder, "bare");
    await mkdir(bare);
    await symlink(join(cache, "blobs"), join(bare, "blobs"));
    await writeFile(join(bare, "oci-layout"), await readFile(join(cache, "oci-layout")));
    const index = JSON.parse(await readFile(join(cache, "index.json"), "utf8"));
    index.manifests = index.manifests.filter(
      (entry: { annotations: object }) => !JSON.stringify(entry).includes("index.spack"),
    );
    await writeFile(join(bare, "index.json"), JSON.stringify(index));
    expect((await install(options({ sources: [`oci:${bare}`] }))).totals.installed).toBe(3);
  });

  it("names the nearest package for one that the cache doesn't have", async () => {
    const failed = install(options({ specs: ["greter"] }));
    await expect(failed).rejects.toMatchObject({ code: "SPEC_NOT_FOUND", hint: "Did you mean greeter?" });
    expect(await readdir(folder)).toEqual([]);
  });

  it("refuses --no-deps where the dependencies are missing", async () => {
    const failed = install(options({ noDeps: true }));
    await expect(failed).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      message: expect.stringContaining("libgreet"),
    });
  });

  it("stops at an abort with the caller's reason, leaves no half package, and completes on the next run", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    const emit = (event: SpkociEvent): void => {
      if (event.type === "package-finished" && event.package.startsWith("gcc-runtime")) stop.abort(reason);
    };
    await expect(install(options({ jobs: 1 }), { signal: stop.signal, emit })).rejects.toBe(reason);
    const { records } = await readInstallStore({ root: join(folder, "store") });
    for (const record of records.values()) {
      if (record.installed && !record.external) expect((await lstat(record.prefix)).isDirectory()).toBe(true);
    }
    expect((await install(options())).totals).toMatchObject({ failed: 0 });
  });

  it.each([
    ["keeping layers in /proc/x/blobs", { cacheDir: "/proc/x" }, []],
    ["making the alias folder /proc/x", { aliasDir: "/proc/x" }, [".spack-db", "bin"]],
  ])("tells of a folder that can't be made, and ends: %s", async (message, changes, left) => {
    await mkdir(join(folder, "store"));
    await expect(install(options(changes))).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: `${message}: ENOENT`,
    });
    expect(await readdir(join(folder, "store"))).toEqual(left);
  });

  it("tells of a root below a file", async () => {
    await writeFile(join(folder, "store"), "");
    const made = install(options({ root: join(folder, "store", "below") }));
    await expect(made).rejects.toMatchObject({ message: expect.stringContaining("making the store") });
  });

  it("refuses a root that can't stand in a run path", async () => {
    await expect(install(options({ root: "relative" }))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(install(options({ root: "/a:b" }))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
