import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { install, push } from "@spkoci/core";
import {
  type DockerRegistry,
  type FixtureStore,
  InstallFolders,
  requireTool,
  startDockerRegistry,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

const run = promisify(execFile);
const tools = ["docker-registry", "readelf", "ldd", "patchelf"].map(requireTool).every(Boolean);
const OLD_ROOT = "/opt/spack/opt/spack";
const PREFIX = "linux-x86_64_v3";
const GREETER = `${PREFIX}/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh`;
const PLUGIN = `${PREFIX}/greet-plugin-0.5-4mu7dtu6uktdyijb3md6bvri3ciiwdbm`;
const LIBRARY = `${PREFIX}/libgreet-1.0-vxd7hjtucqhfb2xibbvbaje6fla7ikff`;

let store: FixtureStore;
let registry: DockerRegistry;
const folder = new InstallFolders();

beforeAll(async () => {
  store = await unpackFixtureStore();
  if (!tools) return;
  registry = await startDockerRegistry();
  const cacheDir = join(store.path, "cache");
  const target = `${registry.host}/org/cache`;
  const result = await push({ store: store.store, sysroot: store.path, all: true, target, cacheDir, runEnv: "prefix" });
  expect(result.totals).toMatchObject({ pushed: 5, failed: 0 });
});
afterAll(async () => {
  await registry?.close();
  await store.remove();
});

async function installInto(root: string) {
  const options = { sources: [`${registry.host}/org/cache`], specs: ["greet-plugin", "greet-build-tool"], root };
  const cacheDir = join(folder.path, "cache");
  return install({ ...options, cacheDir, aliasDir: folder.aliases, env: { PATH: process.env.PATH } });
}

/** Files that still name the old root: paths below `root`. */
async function filesWithOldRoot(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.includes("/.spack/")) continue;
    if ((await readFile(path)).includes(OLD_ROOT)) found.push(path.slice(root.length + 1));
  }
  return found.sort();
}

const roots: [string, () => string][] = [
  ["shorter than the old one", () => join("/tmp", `r${process.pid}`)],
  ["longer than the old one", () => join(folder.path, "a-root-that-is-longer-than-the-old-one")],
  ["200 characters long", () => join(folder.path, "x".repeat(199 - folder.path.length))],
];

describe.skipIf(!tools).each(roots)(
  "packages pushed by spkoci and installed under a root that is %s",
  (what, rootOf) => {
    let root: string;
    beforeEach(async () => {
      root = rootOf();
      const result = await installInto(root);
      expect(result.packages.map(({ outcome, error }) => error?.message ?? outcome)).toEqual(
        Array(5).fill("installed"),
      );
    });
    afterEach(() => rm(root, { recursive: true, force: true }));

    it("run, every program of them, and name no old place", async () => {
      if (what.startsWith("200")) expect(root).toHaveLength(200);
      const output = async (program: string, ...args: string[]) => (await run(join(root, program), args)).stdout;
      expect(await output(`${GREETER}/bin/greeter`, "Ada")).toBe("Hello, Ada!\n");
      expect(await output(`${GREETER}/bin/greeter-hardlink`, "Ada")).toBe("Hello, Ada!\n");
      expect(await output(`${GREETER}/bin/greet-all`, "Ada", "Grace")).toBe("Hello, Ada!\nHello, Grace!\n");
      expect(await output(`${GREETER}/bin/greet-friends`)).toBe("Hello, Ada!\nHello, Grace!\n");
      expect(await output(`${PLUGIN}/bin/greet-politely`, "Ada")).toContain("Ada");
      expect(await filesWithOldRoot(root)).toEqual([`${GREETER}/share/greeter/blob.bin`, `${LIBRARY}/lib/libgreet.a`]);
    });

    it("have libraries found at new places alone, in files that readelf, ldd, strip and patchelf accept", async () => {
      for (const file of [
        `${GREETER}/bin/greeter`,
        `${LIBRARY}/lib/libgreet.so.1.0`,
        `${PLUGIN}/lib/greet-plugins/polite.so`,
      ]) {
        const path = join(root, file);
        const { stdout, stderr } = await run("readelf", ["-dlSW", path]);
        expect(stderr).toBe("");
        expect(stdout).not.toContain(OLD_ROOT);
        expect((await run("ldd", [path])).stdout).not.toMatch(new RegExp(`${OLD_ROOT}|not found`));
        const rpath = (await run("patchelf", ["--print-rpath", path])).stdout.trim();
        for (const place of rpath.split(":").filter(Boolean))
          expect(place.startsWith(`${root}/`) || place.startsWith("$ORIGIN")).toBe(true);
      }
      const stripped = join(folder.path, "stripped");
      await run("strip", ["-o", stripped, join(root, GREETER, "bin/greeter")]);
      expect((await run(stripped, ["Ada"])).stdout).toBe("Hello, Ada!\n");
      await run("patchelf", ["--set-rpath", `${root}/${LIBRARY}/lib`, stripped]);
      expect((await run(stripped, ["Ada"])).stdout).toBe("Hello, Ada!\n");
    });
  },
);
