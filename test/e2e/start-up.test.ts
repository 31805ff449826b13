import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { unpackFixtureStore } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci } from "./support/run-spkoci.js";

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CACHE = join(ROOT, "fixtures/small/cache");

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-start-up-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("start-up", () => {
  it("gives V8's options to the node of PATH, whatever link leads to the program, and all words as they are", async () => {
    const link = join(folder, "spkoci");
    await symlink(join(ROOT, "packages/cli/bin/spkoci.js"), link);
    const { stdout } = await execute(link, ["--version"], { env: { PATH: `${dirname(process.execPath)}:/bin` } });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    await writeFile(join(folder, "node"), '#!/bin/sh\nprintf "<%s>" "$MALLOC_ARENA_MAX" "$@"', { mode: 0o755 });
    const shown = await execute(link, ["list", "two words", "*", ""], { env: { PATH: `${folder}:/bin` } });
    expect(shown.stdout).toBe(`<02><--max-semi-space-size=1><${link}><list><two words><*><>`);
  });

  it("takes Node's modules from the code that Node carries, although V8 was given an option", async () => {
    const probe = join(folder, "probe.cjs");
    await writeFile(
      probe,
      `const { internalBinding } = require("internal/test/binding");
      process.on("exit", () => console.log(internalBinding("builtins").getCacheUsage().compiledWithCache.size));`,
    );
    const options = ["--max-semi-space-size=1", "--expose-internals", "-r", probe];
    const words = [join(ROOT, "packages/cli/bin/spkoci.js"), "--version"];
    const { stdout } = await execute(process.execPath, [...options, ...words]);
    const [version, modules] = stdout.split("\n");
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(Number(modules)).toBeGreaterThan(10);
  });

  it("leaves malloc's arenas to a user who has set them", async () => {
    await writeFile(join(folder, "node"), '#!/bin/sh\nprintf "<%s>" "$MALLOC_ARENA_MAX"', { mode: 0o755 });
    const env = { PATH: `${folder}:/bin`, MALLOC_ARENA_MAX: "5" };
    const shown = await execute(join(ROOT, "packages/cli/bin/spkoci.js"), [], { env });
    expect(shown.stdout).toBe("<5>");
  });

  it("loads words and nothing that works for --help", async () => {
    const { files, modules } = await loadedBy(["--help"]);
    expect(files.length).toBeLessThanOrEqual(8);
    expect(modules).toContain("packages/cli/src/program.ts");
    expect(
      modules.filter((path) => /packages\/core|cli\/src\/commands|\/(zod|yaml|cli-progress)\//.test(path)),
    ).toEqual([]);
  });

  it("loads no HTTP, tar or YAML, and no other job, to list a layout folder", async () => {
    const { files, modules } = await loadedBy(["list", "--all-arch", `oci:${CACHE}`]);
    expect(files.length).toBeLessThanOrEqual(50);
    expect(modules).toContain("packages/core/src/inspect/list.ts");
    const others =
      /\/(node-fetch|https?-proxy-agent|tar-stream|yaml|cli-progress)\/|core\/src\/(push|install|copy|prune|check)\//;
    expect(modules.filter((path) => others.test(path))).toEqual([]);
  });

  it("loads no YAML to push what is there already", async () => {
    const store = await unpackFixtureStore();
    try {
      const where = ["--sysroot", store.path, "--store", store.store, "--cache-dir", join(folder, "cache")];
      const words = ["push", ...where, `oci:${join(folder, "out")}`, "greeter"];
      expect((await runSpkoci(words, { cwd: folder })).exitCode).toBe(0);
      const { modules } = await loadedBy(words);
      expect(modules).toContain("packages/core/src/push/push.ts");
      expect(modules.filter((path) => /\/(yaml|tar-stream)\/|core\/src\/install\//.test(path))).toEqual([]);
    } finally {
      await store.remove();
    }
  });
});

/** The program's files that a run loads, and the modules that these are made of. */
async function loadedBy(words: readonly string[]): Promise<{ files: string[]; modules: string[] }> {
  const coverage = join(folder, "coverage");
  await mkdir(coverage);
  const { exitCode } = await runSpkoci(words, { cwd: folder, env: { NODE_V8_COVERAGE: coverage } });
  expect(exitCode).toBe(0);
  const [name = ""] = await readdir(coverage);
  const { result } = JSON.parse(await readFile(join(coverage, name), "utf8")) as { result: { url: string }[] };
  const paths = result
    .map(({ url }) => url)
    .filter((url) => url.startsWith("file:"))
    .map((url) => fileURLToPath(url));
  const files = paths.filter((path) => path.includes("/packages/cli/bundle/"));
  expect(files, "`pnpm build` makes the bundle that is counted here").not.toEqual([]);
  return { files, modules: (await Promise.all(files.map(modulesOf))).flat() };
}

/** Their paths in the checkout. The bundler's own file has no map. */
async function modulesOf(file: string): Promise<string[]> {
  const map = await readFile(`${file}.map`, "utf8").catch(() => '{"sources":[]}');
  const { sources } = JSON.parse(map) as { sources: string[] };
  return sources.map((source) => relative(ROOT, join(file, "..", source)));
}
