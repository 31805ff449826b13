import { cp, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLayout, openRegistry, type Store } from "@spkoci/core";
import {
  ageBlobs,
  createTemporaryFolder,
  type DockerRegistry,
  type FakeRegistry,
  fixturePath,
  indexedIn,
  namesOf,
  requireTool,
  startDockerRegistry,
  startFakeGitHub,
  startFakeRegistry,
  type TemporaryFolder,
  tagsOf,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun, startSpkoci } from "./support/run-spkoci.js";

const KEPT = ["gcc-runtime", "greeter", "index.spack", "libgreet"];
const ALL = [...KEPT, "greet-build-tool", "greet-plugin"].sort();
const TWO_DAYS_MS = 2 * 24 * 60 * 60 * 1000;

let folder: TemporaryFolder;
/** Is short, so that packages can be installed there. */
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
  return runSpkoci(words, { cwd: folder.path });
}

/** The cache of real Spack, as if it were written two days ago. */
async function copyCache(): Promise<Store> {
  const to = join(folder.path, "cache");
  await cp(fixturePath("small/cache"), to, { recursive: true });
  await ageBlobs(to, TWO_DAYS_MS);
  return openLayout(to);
}

async function copyTo(target: Store): Promise<void> {
  const source = await openLayout(fixturePath("small/cache"));
  for await (const tag of source.tags()) {
    const document = await source.read(tag);
    const { config, layers } = JSON.parse(Buffer.from(document?.bytes ?? []).toString());
    for (const blob of [config, ...layers]) {
      await target.put({ descriptor: blob, open: (op) => source.open(blob, op) });
    }
    if (document) await target.write(document, { tag });
  }
}

describe("prune of a folder", () => {
  it("shows the plan, removes with --yes, and what stays installs", async () => {
    const store = await copyCache();
    const { stdout, exitCode } = await spkoci("prune", "oci:cache", "--keep", "greeter", "--yes");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^greet-plugin@0\.5\/\w{7} +16\.8 KiB$/m);
    expect(stdout).toMatch(
      /^2 packages and 6 blobs \(28\.7 KiB\) to remove\n3 packages stay: 1 kept by --keep, 2 needed/m,
    );
    expect(stdout).toMatch(/^2 removed; [0-9.]+ KiB freed \(8 blobs\)$/m);
    expect(await namesOf(store)).toEqual(KEPT);
    const installed = await spkoci("install", "oci:cache", "greeter", "--root", root, "--cache-dir", "fetched");
    expect(installed.stdout).toMatch(/^3 installed, 0 skipped; /m);
    const lost = await spkoci("install", "oci:cache", "greet-plugin", "--root", root, "--cache-dir", "fetched");
    expect(lost.exitCode).toBe(4);
    const again = await spkoci("prune", "oci:cache", "--keep", "greeter", "--yes", "--grace", "0");
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("nothing to remove from oci:cache\n") });
  });

  it("removes nothing with --dry-run, which needs no --yes", async () => {
    const store = await copyCache();
    const { stdout, exitCode } = await spkoci("prune", "oci:cache", "--keep", "libgreet", "--dry-run");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^3 packages and 9 blobs \([0-9.]+ KiB\) to remove; nothing was removed from oci:cache$/m);
    expect(await namesOf(store)).toEqual(ALL);
  });

  it("gives one document with --json", async () => {
    await copyCache();
    const words = ["prune", "oci:cache", "--keep", "greeter", "--json"];
    const plan = JSON.parse((await spkoci(...words, "--dry-run")).stdout);
    expect(plan.images.map((image: { package: { name: string } }) => image.package.name).sort()).toEqual([
      "greet-build-tool",
      "greet-plugin",
    ]);
    const result = JSON.parse((await spkoci(...words, "--yes")).stdout);
    expect(result).toMatchObject({ confirmed: true, totals: { removed: 2, left: 0, failed: 0 } });
  });

  it("leaves what was written within the grace period, an hour unless told", async () => {
    const store = await copyCache();
    const now = new Date();
    const tag = (await tagsOf(store)).find((one) => one.startsWith("greeter-")) ?? "";
    const digest = (await store.resolve(tag))?.digest ?? "";
    await utimes(join(folder.path, "cache/blobs/sha256", digest.slice(7)), now, now);
    const { stdout } = await spkoci("prune", "oci:cache", "--keep", "greet-build-tool", "--yes");
    expect(stdout).toMatch(/ stay: .*1 written lately/);
    expect(await namesOf(store)).toEqual([...KEPT, "greet-build-tool"].sort());
  });

  it.each([
    ["no --yes without a terminal", ["--keep", "greeter"], 2, /there is no terminal to ask on.*\nhint: .*--dry-run/],
    ["nothing to keep", ["--yes"], 2, /everything would be removed\nhint: Say --keep SPEC/],
    [
      "a spec that matches nothing",
      ["--yes", "--keep", "greter"],
      4,
      /matches greter, .*\nhint: Did you mean greeter\?/,
    ],
    ["a tag that matches nothing", ["--yes", "--keep-tag", "x*"], 4, /no tag of the cache is like x\*/],
    ["no environment", ["--yes", "--keep-env", "nowhere"], 3, /nowhere\/spack\.lock can't be read: ENOENT/],
    ["no time", ["--yes", "--newer-than", "soon"], 2, /--newer-than is no time: "soon"/],
    ["no spec", ["--yes", "--keep", "@@"], 2, /@@/],
    ["nothing that is new enough", ["--yes", "--newer-than", "1h"], 2, /everything in the cache would be removed/],
  ])("refuses %s, and removes nothing", async (_, words, code, message) => {
    const store = await copyCache();
    const { stderr, stdout, exitCode } = await spkoci("prune", "oci:cache", ...words);
    expect(stderr).toMatch(message);
    expect(stdout).toBe("");
    expect(exitCode).toBe(code);
    expect(await namesOf(store)).toEqual(ALL);
  });

  it("says what is wrong with a folder", async () => {
    await writeFile(join(folder.path, "file"), "");
    for (const [target, code] of [
      ["oci:none", 4],
      ["oci-archive:x.tar", 2],
      ["./cache", 2],
    ] as const) {
      expect((await spkoci("prune", target, "--keep", "a", "--yes")).exitCode).toBe(code);
    }
  });
});

describe("a prune that is killed", () => {
  it.each(["out of the index", "Removing images", "Removing blobs"])(
    "at %j leaves a valid cache, and the next one finishes",
    async (line) => {
      const store = await copyCache();
      const words = ["prune", "oci:cache", "--keep", "greeter", "--yes"];
      const run = startSpkoci(words, { cwd: folder.path });
      run.process.stderr?.on("data", (text: string) => {
        if (text.includes(line)) run.process.kill("SIGKILL");
      });
      await run.ended;
      // What the index names is there, whole.
      const tags = await tagsOf(store);
      for (const { hash } of await indexedIn(store)) expect(tags.join(" ")).toContain(hash);
      const check = await spkoci("install", "oci:cache", "greeter", "--root", root, "--cache-dir", "fetched");
      expect(check.stdout).toMatch(/^3 installed, 0 skipped; /m);
      expect((await spkoci(...words)).exitCode).toBe(0);
      expect(await namesOf(store)).toEqual(KEPT);
      expect((await indexedIn(store)).map(({ name }) => name)).toEqual(KEPT.filter((name) => name !== "index.spack"));
    },
  );
});

describe.skipIf(!requireTool("docker-registry"))("prune of docker-registry", () => {
  let registry: DockerRegistry;
  afterEach(() => registry.close());

  it("removes where deletion is enabled, and what stays installs", async () => {
    registry = await startDockerRegistry({ deleteEnabled: true });
    const store = openRegistry({ registry: registry.host, repository: "org/cache" });
    await copyTo(store);
    const target = `${registry.host}/org/cache`;
    const { stdout, exitCode } = await spkoci("prune", target, "--keep", "greeter", "--grace", "0", "--yes");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^28\.7 KiB that nothing else needs: the registry frees them when it collects its garbage$/m,
    );
    expect(await namesOf(store)).toEqual(KEPT);
    const installed = await spkoci("install", target, "greeter", "--root", root, "--cache-dir", "fetched");
    expect(installed.stdout).toMatch(/^3 installed, 0 skipped; /m);
  });

  it("says in one line that nothing can be deleted, and changes nothing", async () => {
    registry = await startDockerRegistry();
    const store = openRegistry({ registry: registry.host, repository: "org/cache" });
    await copyTo(store);
    const before = await store.resolve("index.spack");
    const { stderr, exitCode } = await spkoci(
      "prune",
      `${registry.host}/org/cache`,
      "--keep",
      "greeter",
      "--yes",
      "--grace",
      "0",
    );
    expect(stderr).toMatch(
      /^spkoci: error: .*org\/cache doesn't let manifests be deleted; nothing was changed\nhint: .*storage\.delete\.enabled/m,
    );
    expect(exitCode).toBe(6);
    expect(await store.resolve("index.spack")).toEqual(before);
    expect(await namesOf(store)).toEqual(ALL);
  });
});

describe("prune by GitHub's API", () => {
  let registry: FakeRegistry;
  let close: () => Promise<void>;

  beforeEach(async () => {
    registry = await startFakeRegistry({ deletes: false });
  });
  afterEach(async () => {
    await close();
    await registry.close();
  });

  async function pruneWith(token: string): Promise<SpkociRun & { store: Store }> {
    const store = openRegistry({ registry: registry.host, repository: "org/cache" });
    await copyTo(store);
    const repository = registry.repository("org/cache");
    const gitHub = await startFakeGitHub({ owner: "org", kind: "User", name: "cache", repository, token: "ghp_right" });
    close = gitHub.close;
    const words = ["prune", `${registry.host}/org/cache`, "--keep", "greeter", "--yes", "--github-api", gitHub.url];
    const env: Record<string, string> = token === "" ? {} : { GITHUB_TOKEN: token };
    return { ...(await runSpkoci(words, { cwd: folder.path, env })), store };
  }

  it("removes versions with the token of the environment", async () => {
    const { exitCode, stdout, stderr, store } = await pruneWith("ghp_right");
    expect(stdout).toMatch(/^2 removed; /m);
    expect(stdout + stderr).not.toContain("ghp_right");
    expect(exitCode).toBe(0);
    expect(await namesOf(store)).toEqual(KEPT);
  });

  it.each(["", "ghp_wrong"])("says what token it needs, given %j", async (token) => {
    const { exitCode, stderr, store } = await pruneWith(token);
    expect(stderr).toMatch(/^hint: Set GITHUB_TOKEN, .*read:packages and delete:packages/m);
    expect(exitCode).toBe(5);
    expect(await namesOf(store)).toEqual(ALL);
  });
});
