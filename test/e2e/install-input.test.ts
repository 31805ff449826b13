import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTemporaryFolder, fixturePath, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun } from "./support/run-spkoci.js";

const CACHE = `oci:${fixturePath("small/cache")}`;

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await createTemporaryFolder();
});

afterEach(() => folder.remove());

function install(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<SpkociRun> {
  return runSpkoci(["install", ...words], { cwd: folder.path, env });
}

/** Checks that a run said one line and a hint (which may go on), and wrote nothing. */
async function expectError(run: SpkociRun, exitCode: number, message: string, hint: string): Promise<void> {
  const lines = run.stderr.split("\n");
  const errors = lines.filter((line) => line.startsWith("spkoci: error: "));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain(message);
  expect(lines.slice(lines.findIndex((line) => line.startsWith("hint: "))).join("\n")).toContain(hint);
  expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: "", exitCode });
  expect(await readdir(folder.path)).toEqual([]);
}

describe("the packages", () => {
  it("of which the name is unknown: the nearest are offered", async () => {
    const run = await install([CACHE, "greter"]);
    await expectError(run, 4, "greter", "Did you mean greeter");
  });

  it("of which the version is not there", async () => {
    const { stderr, exitCode } = await install([CACHE, "greeter@3"]);
    expect(stderr).toContain("greeter@3");
    expect(exitCode).toBe(4);
  });

  it("that can't be looked up", async () => {
    const run = await install([CACHE, "greeter+"]);
    await expectError(run, 2, '"greeter+" is no spec: error at character 9', "variant's name");
  });
});

describe("the source", () => {
  it("that is a folder but no cache", async () => {
    const { stderr, stdout, exitCode } = await install(["oci:none", "greeter"]);
    expect(stderr).toMatch(/^spkoci: error: .*none/m);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 4 });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("of --from is checked like the first", async () => {
    const run = await install([CACHE, "greeter", "--from", "./other"]);
    await expectError(run, 2, '"./other" is a path', "Write oci:./other");
  });
});

describe("the root", () => {
  const rootOf = async (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> => {
    const { stdout } = await install([CACHE, "greeter", "--dry-run", "--json", ...words], env);
    return (JSON.parse(stdout) as { root: string }).root;
  };

  it("is one of the user's own unless told", async () => {
    expect(await rootOf([])).toBe(join(folder.path, ".local", "share", "spkoci", "store"));
    expect(await rootOf([], { XDG_DATA_HOME: "/data" })).toBe("/data/spkoci/store");
  });

  it("comes from the option, the variable or the configuration file, in this order", async () => {
    await writeFile(join(folder.path, "spkoci.yaml"), "root: from-file\n");
    expect(await rootOf([])).toBe(join(folder.path, "from-file"));
    expect(await rootOf([], { SPKOCI_ROOT: "/from/variable" })).toBe("/from/variable");
    expect(await rootOf(["--root", "option"], { SPKOCI_ROOT: "/from/variable" })).toBe(join(folder.path, "option"));
  });

  it("whose database is broken is left as it is", async () => {
    const database = join(folder.path, "store", ".spack-db");
    await mkdir(database, { recursive: true });
    await writeFile(join(database, "index.json"), '{"database": {');
    const { stderr, exitCode } = await install([CACHE, "greeter", "--root", "store"]);
    expect(stderr).toContain(join(database, "index.json"));
    expect(stderr).toContain("hint: ");
    expect(exitCode).toBe(3);
    expect(await readdir(join(folder.path, "store"))).toEqual([".spack-db"]);
  });
});
