import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { check, openLayout, verify } from "@spkoci/core";
import {
  createTemporaryFolder,
  type FixtureStore,
  fixturePath,
  ofEndedProcess,
  requireTool,
  SMALL_CACHE,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryBeside } from "../../packages/core/src/base/temporary-file.js";
import { runSpkoci, type SpkociRun } from "../e2e/support/run-spkoci.js";

/** Only root mounts; CI runs as root. */
const mayMount = requireTool("mount") && (process.env.CI !== undefined || process.getuid?.() === 0);

let folder: TemporaryFolder;
let store: FixtureStore;
/** Holds a cache, `cache`, and can't be written to. */
let fixed: string;

beforeEach(async () => {
  [folder, store] = await Promise.all([createTemporaryFolder(), unpackFixtureStore()]);
  fixed = at("fixed");
  await mkdir(fixed);
  if (!mayMount) return;
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", fixed]);
  await cp(fixturePath("small/cache"), join(fixed, "cache"), { recursive: true });
  await mkdir(join(fixed, "kept"));
  execFileSync("mount", ["-o", "remount,ro", fixed]);
});
afterEach(async () => {
  if (mayMount) execFileSync("umount", [fixed]);
  await Promise.all([folder.remove(), store.remove()]);
});

const at = (name: string): string => join(folder.path, name);
const run = (...words: string[]): Promise<SpkociRun> => runSpkoci(words, { cwd: folder.path });
const install = (source: string, ...words: string[]): Promise<SpkociRun> =>
  run("install", "--root", at("root"), source, "libgreet", ...words);
const push = (target: string, ...words: string[]): Promise<SpkociRun> =>
  run("push", "--store", store.store, "--sysroot", store.path, "--run-env", "prefix", target, "libgreet", ...words);

function expectRefused({ exitCode, stderr }: SpkociRun, path: string, hint: string | RegExp): void {
  expect(stderr).toContain(path);
  expect(stderr).toMatch(hint);
  expect(stderr).not.toMatch(/unexpected|defect/);
  expect(exitCode).toBe(9);
}

describe.skipIf(!mayMount)("a folder for layers that can't be written to", () => {
  const places = {
    "on a file system that is read-only": () => fixed,
    "there, where it would have to be made": () => join(fixed, "new/one"),
    "there, where it was made before": () => join(fixed, "kept"),
    "below a file": async () => {
      await writeFile(at("file"), "");
      return at("file/cache");
    },
  };

  it.each(Object.entries(places))("%s, stops an install before it begins, and says what to do", async (_, make) => {
    const place = await make();
    expectRefused(await install(SMALL_CACHE, "--cache-dir", place), place, /--no-cache/);
    expect(await readdir(folder.path)).not.toContain("root");
    expect(await install(SMALL_CACHE, "--cache-dir", place, "--no-cache")).toMatchObject({ exitCode: 0 });
  });

  it.each(Object.entries(places))("%s, stops a push before it begins, and says what to do", async (_, make) => {
    const place = await make();
    expectRefused(await push(`oci:${at("target")}`, "--cache-dir", place), place, /--cache-dir/);
    expect(await readdir(folder.path)).not.toContain("target");
    expect(await push(`oci:${at("target")}`, "--cache-dir", at("other"))).toMatchObject({ exitCode: 0 });
  });
});

describe.skipIf(!mayMount)("a cache that can't be written to", () => {
  const cache = (): string => `oci:${join(fixed, "cache")}`;

  it("can be installed from, checked and copied", async () => {
    expect(await install(cache(), "--cache-dir", at("layers"))).toMatchObject({ exitCode: 0 });
    expect((await verify({ root: at("root"), specs: [] })).packages).toHaveLength(2);
    expect((await check({ source: cache(), level: "contents" })).findings).toEqual([]);
    expect(await run("copy", cache(), `oci:${at("copy")}`)).toMatchObject({ exitCode: 0 });
  });

  it("is opened although a killed process has left a file there, which stays", async () => {
    const folder = join(fixed, "cache");
    const left = await ofEndedProcess(temporaryBeside(join(folder, "put")));
    execFileSync("mount", ["-o", "remount,rw", fixed]);
    await writeFile(left, "");
    execFileSync("mount", ["-o", "remount,ro", fixed]);
    await openLayout(folder, { create: true });
    expect(await readdir(folder)).toContain(basename(left));
  });

  it("refuses a push and a copy with lines that name it", async () => {
    const refusals = [
      await push(cache(), "--force", "--cache-dir", at("layers")),
      await run("copy", SMALL_CACHE, `oci:${join(fixed, "kept")}`),
    ];
    for (const { exitCode, stderr } of refusals) {
      expect(stderr).toMatch(/^spkoci: error: .*\/fixed\/.*: E[A-Z]+$/m);
      expect(stderr).not.toMatch(/unexpected|defect/);
      expect(exitCode).toBeGreaterThan(0);
    }
    expect((await check({ source: cache(), level: "contents" })).findings).toEqual([]);
  });
});
