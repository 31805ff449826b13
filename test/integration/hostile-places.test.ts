import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { install, type SpkociEvent, writeFileAtomically } from "@spkoci/core";
import { createTemporaryFolder, fixturePath, SMALL_HASHES, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const SOURCE = `oci:${fixturePath("small/cache")}`;
const ARCH = "linux-x86_64_v3";
const MANIFEST = ".spack/install_manifest.json";
const LIBGREET = `libgreet-1.0-${SMALL_HASHES.libgreet}`;

let folder: TemporaryFolder;
let umask: number;
beforeEach(async () => {
  folder = await createTemporaryFolder();
  umask = process.umask();
});
afterEach(async () => {
  process.umask(umask);
  await folder.remove();
});

const at = (...names: string[]): string => join(folder.path, ...names);
const modeOf = async (path: string): Promise<number> => (await lstat(path)).mode & 0o7777;

function installing(emit: (event: SpkociEvent) => void = () => {}) {
  const options = { sources: [SOURCE], specs: ["libgreet"], root: at("root"), cacheDir: at("cache"), env: {} };
  return install(options, { emit });
}

/** Every file and folder below, with its permissions; links have none. */
async function modesBelow(path: string): Promise<Map<string, number>> {
  const modes = new Map<string, number>();
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const name = join(entry.parentPath, entry.name);
    if (!entry.isSymbolicLink()) modes.set(name.slice(path.length + 1), await modeOf(name));
  }
  return modes;
}

describe("permissions", () => {
  it("of a package are those of its archive whatever the umask is", async () => {
    const found = [];
    for (const mask of [0o000, 0o022, 0o077]) {
      process.umask(mask);
      const root = at(`root-${mask}`);
      await install({ sources: [SOURCE], specs: ["libgreet"], root, cacheDir: at("cache"), env: {} });
      found.push(await modesBelow(join(root, ARCH, LIBGREET)));
    }
    const [open, usual, closed] = found;
    expect(open).toEqual(usual);
    // Written here rather than unpacked, as Spack does it: the umask holds for it.
    expect(closed?.get(MANIFEST)).toBe(0o600);
    expect(closed?.set(MANIFEST, 0o644)).toEqual(usual);
    expect(usual?.get("lib/libgreet.so.1.0")).toBe(0o755);
    expect([...(usual?.values() ?? [])].filter((mode) => (mode & 0o7022) !== 0)).toEqual([]);
  });

  it("of the store's own folders and files honour a strict umask", async () => {
    process.umask(0o077);
    await installing();
    for (const name of ["", ARCH, ".spack-db", ".spack-db/index.json", ".spkoci"]) {
      expect((await modeOf(at("root", name))) & 0o077, name).toBe(0);
    }
  });

  it("let nobody else write to a file even with umask 0, but for Spack's own database, which users of a store may share", async () => {
    process.umask(0o000);
    await installing();
    const all = [...(await modesBelow(at("root")))].filter(([name]) => !name.startsWith(".spack-db"));
    const files = all.filter(([name]) => /\.json$|\.so\.|\/sbang$/.test(name));
    expect(files.length).toBeGreaterThan(10);
    for (const [name, mode] of files) expect(mode & 0o022, name).toBe(0);
  });

  it("keep others out of the folder in which packages are unpacked, whose name nobody can guess", async () => {
    process.umask(0o000);
    const spools: string[] = [];
    const looks: Promise<void>[] = [];
    await installing((event) => {
      if (event.type !== "package-started") return;
      const spool = at("root", ".spkoci", "spool");
      looks.push(
        readdir(spool).then(async (names) => {
          for (const name of names) {
            spools.push(name);
            expect(await modeOf(join(spool, name))).toBe(0o700);
          }
        }),
      );
    });
    await Promise.all(looks);
    expect(spools.length).toBeGreaterThan(0);
    for (const name of spools) expect(name).toMatch(/-[0-9a-f]{32}$/);
  });
});

describe("a link that somebody planted", () => {
  beforeEach(async () => {
    await mkdir(at("victim"));
    await writeFile(at("victim/file"), "untouched");
  });

  async function expectUntouched(): Promise<void> {
    expect(await readdir(at("victim"))).toEqual(["file"]);
    expect(await readFile(at("victim/file"), "utf8")).toBe("untouched");
  }

  it("at a package's prefix is put aside, not followed", async () => {
    await mkdir(at("root", ARCH), { recursive: true });
    await symlink(at("victim"), at("root", ARCH, LIBGREET));
    const { totals } = await installing();
    expect(totals).toMatchObject({ failed: 0 });
    expect((await lstat(at("root", ARCH, LIBGREET))).isDirectory()).toBe(true);
    await expectUntouched();
  });

  it("in the place of the database is replaced, not written through", async () => {
    await mkdir(at("root", ".spack-db"), { recursive: true });
    await writeFile(at("victim/index.json"), JSON.stringify({ database: { version: "8", installs: {} } }));
    const before = await readFile(at("victim/index.json"), "utf8");
    await symlink(at("victim/index.json"), at("root", ".spack-db", "index.json"));
    await installing();
    expect(await readFile(at("victim/index.json"), "utf8")).toBe(before);
    expect((await lstat(at("root", ".spack-db", "index.json"))).isFile()).toBe(true);
  });

  it("in the place of a file that is written atomically is replaced", async () => {
    await symlink(at("victim/file"), at("config"));
    await writeFileAtomically(at("config"), "new", { mode: 0o600 });
    expect((await lstat(at("config"))).isFile()).toBe(true);
    expect(await modeOf(at("config"))).toBe(0o600);
    await expectUntouched();
  });

  it("in a package is kept, and nothing is written where it leads", async () => {
    const options = { sources: [SOURCE], specs: ["greeter"], root: at("root"), cacheDir: at("cache"), env: {} };
    await install(options);
    const outside = at("root", ARCH, `greeter-2.1-${SMALL_HASHES.greeter}`, "share/greeter/outside");
    expect(await readlink(outside)).toBe("/etc/hostname");
    await expectUntouched();
  });
});
