import { join } from "node:path";
import {
  CacheEditor,
  createTemporaryFolder,
  type FixtureStore,
  SMALL_HASHES,
  SMALL_TAGS,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun } from "./support/run-spkoci.js";

let store: FixtureStore;
let folder: TemporaryFolder;
let cache: CacheEditor;

beforeAll(async () => {
  store = await unpackFixtureStore();
});

afterAll(() => store.remove());

beforeEach(async () => {
  folder = await createTemporaryFolder();
  cache = await CacheEditor.create(join(folder.path, "cache"));
});

afterEach(() => folder.remove());

function check(...words: string[]): Promise<SpkociRun> {
  return runSpkoci(["check", ...words], { cwd: folder.path });
}

describe("check", () => {
  it("finds nothing wrong with what Spack wrote, and says what it looked at", async () => {
    const { stdout, stderr, exitCode } = await check("--level", "contents", "oci:cache");
    expect(stdout).toMatch(
      /^level contents: 5 packages, 9 records, 7 blobs, 99\.5 KiB read in [0-9.]+ s\nnothing wrong\n$/,
    );
    expect(stderr).toBe(
      "listing the tags of oci:cache\nreading the index of oci:cache\nchecking 5 images\nreading 1 blob\n",
    );
    expect(exitCode).toBe(0);
    expect(await check("oci:cache", "--quiet")).toEqual({ stdout: "", stderr: "", exitCode: 0 });
  });

  it("names what is wrong, with the way to mend it, and ends with exit code 7", async () => {
    await cache.removeBlob((await cache.readManifest(SMALL_TAGS["gcc-runtime"])).layers[0].digest);
    await cache.store.delete(SMALL_TAGS["greet-plugin"]);
    const { stdout, exitCode } = await check("oci:cache");
    expect(exitCode).toBe(7);
    expect(stdout).toMatch(/^error: RECORD_WITHOUT_TAG .*\n {2}greet-plugin@0\.5\/4mu7dtu: there is no tag greet-/);
    expect(stdout).toMatch(/^ {2}gcc-runtime@12\.2\.0\/hlzfjje: there is no blob .*\(needed by 4 images\)$/m);
    expect(stdout).toMatch(/^hint: Push it again, or let `--repair` take it out of the index\.$/m);
    expect(stdout).toMatch(/\n2 errors\n$/);
    expect(await check("oci:cache", "-q")).toEqual({ stdout: "", stderr: "", exitCode: 7 });
    expect((await check("oci:cache", "libgreet", "--level", "manifests")).exitCode).toBe(0);
  });

  it("gives findings as data, which nothing can steer a terminal with", async () => {
    await cache.changeIndex((installs) => {
      installs[SMALL_HASHES.gmake].spec.name = "\u001b[2J";
    });
    const { stdout, exitCode } = await check("--json", "oci:cache");
    expect(stdout).not.toContain("\u001b");
    expect(JSON.parse(stdout)).toMatchObject({
      source: "oci:cache",
      level: "blobs",
      findings: [{ code: "RECORD_INVALID", severity: "error", hash: SMALL_HASHES.gmake }],
      totals: { packages: 5, errors: 1, warnings: 0 },
    });
    expect(exitCode).toBe(7);
    expect((await check("oci:cache")).stdout).not.toContain("\u001b");
  });

  it("mends the index, once", async () => {
    await cache.store.delete("index.spack");
    const repaired = await check("--repair", "oci:cache");
    expect(repaired.stdout).toMatch(/^warning: INDEX_MISSING .*\n.*there is no tag index\.spack repaired\n/);
    expect(repaired.stdout).toMatch(/\n1 repaired\n$/);
    expect(repaired.exitCode).toBe(0);
    expect((await check("oci:cache", "--level=contents")).stdout).toMatch(/9 records.*\nnothing wrong\n$/);
  });

  it("finds nothing wrong with what push writes, with and without a base image", async () => {
    const push = (...more: string[]): Promise<SpkociRun> =>
      runSpkoci(
        [
          ...["push", "--sysroot", store.path, "--store", store.store, "--cache-dir", "c", "--run-env", "prefix"],
          ...["oci:out", ...more],
        ],
        { cwd: folder.path },
      );
    expect((await push("greeter")).exitCode).toBe(0);
    expect(
      (await push("--all", "--base-image", `oci:cache:${SMALL_TAGS["gcc-runtime"]}`, "--tag", "all")).exitCode,
    ).toBe(0);
    const { stdout, exitCode } = await check("--level", "contents", "oci:out");
    expect(stdout).toMatch(/^level contents: 5 packages, 1 other image, 9 records, .*\nnothing wrong\n$/);
    expect(exitCode).toBe(0);
  });

  it.each([
    [["oci:nowhere"], 4, /nowhere is no OCI image layout\nhint: /],
    [["oci:cache", "greter"], 4, /no package in oci:cache matches greter\nhint: Did you mean greeter\?/],
    [["oci:cache", "a@@b"], 2, /error: .*\nhint: /],
    [["oci:cache", "--level", "all"], 2, /--level: must be index, manifests, blobs or contents/],
    [["oci:cache", "-j", "none"], 2, /jobs/],
    [["cache"], 2, /bad reference "cache"/],
    [[], 2, /missing required argument 'source'/],
  ])("says what is wrong with %j", async (words, code, message) => {
    const { stdout, stderr, exitCode } = await check(...words);
    expect(stderr).toMatch(message);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: code });
  });
});
