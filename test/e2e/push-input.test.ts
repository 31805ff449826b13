import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTemporaryFolder, type FixtureStore, type TemporaryFolder, unpackFixtureStore } from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun } from "./support/run-spkoci.js";

let store: FixtureStore;
let folder: TemporaryFolder;

beforeAll(async () => {
  store = await unpackFixtureStore();
});

afterAll(() => store.remove());

beforeEach(async () => {
  folder = await createTemporaryFolder();
});

afterEach(() => folder.remove());

function push(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<SpkociRun> {
  return runSpkoci(["push", "oci:out", ...words], { cwd: folder.path, env: { PATH: "/usr/bin:/bin", ...env } });
}

/** Checks that a run said one line and a hint (which may go on), and made no target. */
async function expectError(run: SpkociRun, exitCode: number, message: string, hint: string): Promise<void> {
  const lines = run.stderr.split("\n");
  const errors = lines.filter((line) => line.startsWith("spkoci: error: "));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain(message);
  expect(lines.slice(lines.findIndex((line) => line.startsWith("hint: "))).join("\n")).toContain(hint);
  expect(run.stderr).not.toMatch(/^\s+at /m);
  expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: "", exitCode });
  expect(await readdir(folder.path)).not.toContain("out");
}

describe("the store", () => {
  it("that nothing names", async () => {
    await expectError(await push(["greeter"]), 3, "no Spack store is named", "Say --store DIR");
  });

  it("that does not exist", async () => {
    const run = await push(["greeter", "--store", "/nowhere"]);
    await expectError(run, 3, "no Spack store at /nowhere", "the folder with .spack-db");
  });

  it("whose database is broken", async () => {
    const database = join(folder.path, "store", ".spack-db");
    await mkdir(database, { recursive: true });
    await writeFile(join(database, "index.json"), '{"database": {');
    const run = await push(["greeter", "--store", "store"]);
    expect(run.exitCode).toBe(3);
    expect(run.stderr).toContain(join(database, "index.json"));
    await expectError(run, 3, "index.json", "spack reindex");
  });
});

describe("the packages", () => {
  const here = (): string[] => ["--sysroot", store.path, "--store", store.store];

  it("of which the name is unknown: the nearest are offered", async () => {
    const run = await push([...here(), "greter"]);
    await expectError(run, 4, "no installed package matches greter", "Did you mean greeter");
  });

  it("of which several match: they are listed with their hashes", async () => {
    const path = join(store.path, store.store, ".spack-db", "index.json");
    const twice = join(folder.path, "twice", store.store, ".spack-db");
    await mkdir(twice, { recursive: true });
    await writeFile(join(twice, "index.json"), withSecondGreeter(await readFile(path, "utf8")));
    const run = await push(["--sysroot", "twice", "greeter"]);
    await expectError(run, 2, "greeter matches 2 installed packages", "greeter@2.1/53zaetj");
    expect(run.stderr).toContain("greeter@2.1/aaaaaaa");
  });

  it("of an environment without a spack.lock", async () => {
    const run = await push([...here(), "-e", "nothing"]);
    await expectError(run, 3, "nothing", "spack");
  });
});

describe("the configuration", () => {
  it("with a key that does not exist: file and nearest key are named", async () => {
    await writeFile(join(folder.path, "spkoci.yaml"), "compresion: gzip\n");
    const run = await push(["greeter"]);
    await expectError(run, 2, "spkoci.yaml: compresion: there is no such setting", "Did you mean compression");
  });

  it("with a variable that can't be", async () => {
    const run = await push(["greeter"], { SPKOCI_COMPRESSION: "xz" });
    await expectError(run, 2, "SPKOCI_COMPRESSION: must be gzip or zstd", "docs/configuration.md");
  });

  it("with a SOURCE_DATE_EPOCH that is no number", async () => {
    const run = await push(["greeter"], { SOURCE_DATE_EPOCH: "today" });
    await expectError(run, 2, 'SOURCE_DATE_EPOCH: "today"', "seconds since 1970");
  });

  it("with a file of certificates that has none", async () => {
    await writeFile(join(folder.path, "ca.pem"), "not a certificate");
    const run = await push(["greeter", "--ca-file", "ca.pem"]);
    await expectError(run, 2, "ca.pem has no certificates", "PEM");
  });

  it("with a level that the compression doesn't have", async () => {
    const run = await push(["greeter", "--sysroot", store.path, "--compression-level", "15"]);
    await expectError(run, 2, "no compression level 15 for gzip", "from 1 to 9");
  });
});

/** The database with greeter in it once more, under another hash. */
function withSecondGreeter(text: string): string {
  const database = JSON.parse(text) as {
    database: { installs: Record<string, { spec: { name: string; hash: string } }> };
  };
  const { installs } = database.database;
  const [hash, record] = Object.entries(installs).find(([, { spec }]) => spec.name === "greeter") ?? [];
  if (hash === undefined || record === undefined) throw new Error("the fixture has no greeter");
  const other = "a".repeat(hash.length);
  installs[other] = { ...structuredClone(record), spec: { ...structuredClone(record.spec), hash: other } };
  return JSON.stringify(database);
}
