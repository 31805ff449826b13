import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  createTemporaryFolder,
  type FakeRegistry,
  fixturePath,
  startFakeRegistry,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun, startSpkoci } from "./support/run-spkoci.js";

const CACHE = `oci:${fixturePath("small/cache")}`;
const GREETER = ["gcc-runtime", "libgreet", "greeter"];

let folder: TemporaryFolder;
/** Is removed after the test. */
let shortRoot: string;
/** Not longer than the root that the fixture's packages were built for, unless a test says so. */
let root: string;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  shortRoot = await mkdtemp(join(tmpdir(), "s"));
  root = shortRoot;
});

afterEach(async () => {
  await folder.remove();
  await rm(shortRoot, { recursive: true, force: true });
});

function install(...words: string[]): Promise<SpkociRun> {
  return runSpkoci(["install", "--root", root, "--cache-dir", "cache", ...words], { cwd: folder.path });
}

/** Names of the installed packages, as `spkoci find` has them. */
async function installed(): Promise<string[]> {
  const { stdout } = await runSpkoci(["find", "--root", root, "--json"], { cwd: folder.path });
  return (JSON.parse(stdout) as { packages: { name: string }[] }).packages.map(({ name }) => name);
}

/** What the installed greeter says to Ada. */
async function greet(): Promise<string> {
  const packages = await readdir(join(root, "linux-x86_64_v3"));
  const prefix = packages.find((name) => name.startsWith("greeter-")) ?? "";
  return (await promisify(execFile)(join(root, "linux-x86_64_v3", prefix, "bin/greeter"), ["Ada"])).stdout;
}

describe("install from a folder", () => {
  it("brings the package and its dependencies, which run, and says where they are", async () => {
    const { stdout, stderr, exitCode } = await install(CACHE, "greeter");
    expect(exitCode).toBe(0);
    for (const name of GREETER) {
      const prefix = `${root}/linux-x86_64_v3/${name}-[0-9.]+-[a-z0-9]{32}`;
      expect(stdout).toMatch(new RegExp(`^${name}@[0-9.]+/[a-z0-9]{7} +${prefix} +installed +[0-9.]+ s$`, "m"));
      expect(stderr).toMatch(new RegExp(`installed ${name}@`));
    }
    expect(stdout).toMatch(/^3 installed, 0 skipped; [0-9.]+ KiB fetched in /m);
    expect(stdout + stderr).not.toContain("\u001b");
    expect(await greet()).toBe("Hello, Ada!\n");
    expect(await installed()).toEqual(["gcc-runtime", "greeter", "libgreet"]);
  });

  it("leaves alone what is there", async () => {
    await install(CACHE, "libgreet");
    const { stdout, exitCode } = await install(CACHE, "greeter");
    expect(stdout).toMatch(/^1 installed, 2 skipped; /m);
    expect(exitCode).toBe(0);
    const again = await install(CACHE, "greeter");
    expect(again.stdout).toMatch(/^0 installed, 3 skipped; 0 B fetched in /m);
    expect(again.exitCode).toBe(0);
  });

  it("gives events as JSON lines and one result document with --json", async () => {
    const { stdout, stderr, exitCode } = await install(CACHE, "greeter", "--json");
    expect(exitCode).toBe(0);
    const result = JSON.parse(stdout);
    expect(result.packages.map((each: { name: string }) => each.name)).toEqual(GREETER);
    expect(result).toMatchObject({
      root,
      totals: { installed: 3, skipped: 0, failed: 0, bytesFetched: expect.any(Number) },
    });
    const lines = stderr.trimEnd().split("\n");
    const events = lines.map((line) => JSON.parse(line) as { type: string; stage?: string });
    expect(events.filter(({ type }) => type === "package-finished")).toHaveLength(3);
    expect(events.some(({ type, stage }) => type === "package-progress" && stage === "download")).toBe(true);
  });

  it("says nothing with --quiet", async () => {
    expect(await install(CACHE, "greeter", "--quiet")).toEqual({ stdout: "", stderr: "", exitCode: 0 });
    expect(await installed()).toHaveLength(3);
  });

  it("keeps what it fetched in the cache folder, unless told not to", async () => {
    await install(CACHE, "greeter", "--no-cache");
    expect(await readdir(folder.path)).toEqual([]);
    const first = await install(CACHE, "greeter", "--force");
    expect(first.stdout).not.toContain("; 0 B fetched");
    const second = await install(CACHE, "greeter", "--force");
    expect(second.stdout).toMatch(/^1 installed, 2 skipped; 0 B fetched in /m);
  });

  it("installs a package without its dependencies only if they are there", async () => {
    const { stderr, exitCode } = await install(CACHE, "greeter", "--no-deps");
    expect(stderr).toMatch(/^spkoci: error: .*libgreet/m);
    expect(exitCode).toBe(4);
    await install(CACHE, "libgreet");
    const { stdout } = await install(CACHE, "greeter", "--no-deps");
    expect(stdout).toMatch(/^1 installed, 0 skipped; /m);
    expect(await greet()).toBe("Hello, Ada!\n");
  });

  it("takes from the next cache what the first one lacks", async () => {
    const store = await unpackFixtureStore();
    const push = ["push", "--sysroot", store.path, "--cache-dir", "cache", "oci:first", "greet-build-tool"];
    await runSpkoci(push, { cwd: folder.path });
    await store.remove();
    const { stdout, exitCode } = await install(
      "oci:first",
      "greeter",
      "greet-build-tool",
      "--from",
      CACHE,
      "--dry-run",
    );
    expect(stdout).toMatch(/^install +greet-build-tool@0\.1\/\w+ .* oci:.*first:greet-build-tool-/m);
    expect(stdout).toMatch(/^install +greeter@2\.1\/\w+ .* oci:.*small\/cache:greeter-/m);
    expect(exitCode).toBe(0);
  });
});

describe("install --dry-run", () => {
  it("shows what would be fetched and from where, and writes nothing", async () => {
    const { stdout, exitCode } = await install(CACHE, "greeter", "--dry-run");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^install +greeter@2\.1\/53zaetj +[0-9.]+ KiB +oci:.*:greeter-2\.1-53zaetj\w+\.spack$/m);
    const totals = /^3 to install \([0-9.]+ KiB of layers\), 0 there already; nothing was written to (.*)$/m.exec(
      stdout,
    );
    expect(totals?.[1]).toBe(root);
    expect([...(await readdir(folder.path)), ...(await readdir(root))]).toEqual([]);
  });

  it("is the plan as one document with --json, and knows what is there", async () => {
    await install(CACHE, "libgreet");
    const { stdout } = await install(CACHE, "greeter", "--dry-run", "--json");
    const plan = JSON.parse(stdout);
    expect(plan.packages.map(({ name, action }: { name: string; action: string }) => [name, action])).toEqual([
      ["gcc-runtime", "skip"],
      ["libgreet", "skip"],
      ["greeter", "install"],
    ]);
  });
});

describe("install under a root that strings in binaries have no room for", () => {
  beforeEach(() => {
    root = join(folder.path, "a-root-that-is-longer".padEnd(90, "r"));
  });

  it("says how long a root may be, and the ways out", async () => {
    const { stderr, exitCode } = await install(CACHE, "greeter");
    expect(stderr).toMatch(/^spkoci: error: libgreet@1\.0\/\w{7}: .*lib\/libgreet\.so/m);
    expect(stderr).toMatch(/^hint: .*at most 64 bytes.*--alias-dir DIR.*--allow-unrelocatable/m);
    expect(exitCode).toBe(10);
  });

  it("writes short links with --alias-dir, which the store remembers", async () => {
    const aliases = await mkdtemp(join(tmpdir(), "a"));
    try {
      const first = await install(CACHE, "libgreet", "--alias-dir", aliases);
      expect(first.exitCode).toBe(0);
      const second = await install(CACHE, "greeter");
      expect(second.exitCode).toBe(0);
      expect(await greet()).toBe("Hello, Ada!\n");
      expect(await readdir(aliases)).toHaveLength(2);
    } finally {
      await rm(aliases, { recursive: true, force: true });
    }
  });

  it("lists what --allow-unrelocatable leaves", async () => {
    const { stderr, exitCode } = await install(CACHE, "greeter", "--allow-unrelocatable");
    expect(stderr).toMatch(/^spkoci: warning: libgreet@1\.0: lib\/libgreet\.so\S* .*\/opt\/spack\/opt\/spack\//m);
    expect(exitCode).toBe(0);
    expect(await installed()).toHaveLength(3);
  });
});

describe("install with failures", () => {
  it("installs what it can, lists the failures, and exits with 10", async () => {
    const cache = join(folder.path, "broken");
    await cp(fixturePath("small/cache"), cache, { recursive: true });
    await truncate(await layerOf(cache, "libgreet-"), 1000);
    const { stdout, stderr, exitCode } = await install(`oci:${cache}`, "greeter");
    expect(exitCode).toBe(10);
    expect(stdout).toMatch(/^1 installed, 0 skipped, 2 failed; /m);
    expect(stderr).toMatch(/^spkoci: error: libgreet@1\.0\/\w{7}: /m);
    expect(stderr).toMatch(/^spkoci: error: greeter@2\.1\/\w{7}: .*libgreet/m);
    expect(stderr).toMatch(/^spkoci: error: 2 of 3 packages failed$/m);
    expect(await installed()).toEqual(["gcc-runtime"]);
    expect((await readdir(join(root, "linux-x86_64_v3"))).map((name) => name.split("-")[0])).toEqual(["gcc"]);
  });
});

describe("install from a registry", () => {
  let registry: FakeRegistry;

  beforeEach(async () => {
    registry = await startFakeRegistry();
  });

  afterEach(() => registry.close());

  const source = (): string => `${registry.host}/org/cache`;

  async function push(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const store = await unpackFixtureStore();
    const words = ["push", "--sysroot", store.path, "--cache-dir", "pushed", source(), "greeter"];
    const { exitCode } = await runSpkoci(words, { cwd: folder.path, env });
    expect(exitCode).toBe(0);
    await store.remove();
  }

  it("brings back what was pushed", async () => {
    await push();
    const { stdout, exitCode } = await install(source(), "greeter");
    expect(stdout).toMatch(/^3 installed, 0 skipped; /m);
    expect(exitCode).toBe(0);
    expect(await greet()).toBe("Hello, Ada!\n");
  });

  it("uses SPKOCI_USERNAME and SPKOCI_PASSWORD and prints neither", async () => {
    await registry.close();
    registry = await startFakeRegistry({ auth: { type: "basic", username: "me", password: "s3cr3t-pass" } });
    const env = { SPKOCI_USERNAME: "me", SPKOCI_PASSWORD: "s3cr3t-pass" };
    await push(env);
    const words = ["install", "--root", root, "--verbose", "--debug", source(), "greeter"];
    const refused = await install(source(), "greeter");
    expect(refused.stderr).toMatch(/^hint: .*spkoci login/m);
    expect(refused.exitCode).toBe(5);
    const { stdout, stderr, exitCode } = await runSpkoci(words, { cwd: folder.path, env });
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^GET http:\/\/127\.0\.0\.1:\d+\/v2\/org\/cache\/manifests\/index\.spack 200 /m);
    expect(stdout + stderr).not.toContain("s3cr3t-pass");
    expect(stdout + stderr).not.toContain(Buffer.from("me:s3cr3t-pass").toString("base64"));
  });

  it("sends them to the first registry of the sources, which needs not be the first source", async () => {
    await registry.close();
    registry = await startFakeRegistry({ auth: { type: "basic", username: "me", password: "x" } });
    const words = ["install", "--root", root, CACHE, "--from", source(), "nowhere"];
    const env = { SPKOCI_USERNAME: "me", SPKOCI_PASSWORD: "x" };
    const { stderr, exitCode } = await runSpkoci(words, { cwd: folder.path, env });
    expect(stderr).toContain("nowhere");
    expect(exitCode).toBe(4);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("stops cleanly on %s with exit code %d, and a second run goes on", async (signal, exitCode) => {
    await push();
    const lastLayer = layerDigest(registry.repository("org/cache"), "greeter-");
    // The last package's layer never comes.
    const reached = new Promise<void>((fulfil) => {
      registry.faults = ({ method, path }) => {
        if (method !== "GET" || !path.endsWith(lastLayer)) return undefined;
        fulfil();
        return { delayMs: 60_000 };
      };
    });
    const words = ["install", "--root", root, "--cache-dir", "cache", "--jobs", "1", source(), "greeter"];
    const { process: child, ended } = startSpkoci(words, { cwd: folder.path });
    await reached;
    child.kill(signal);
    const stopped = await ended;
    expect(stopped.exitCode, stopped.stderr).toBe(exitCode);
    expect(stopped.stderr).toContain(`spkoci: error: stopped by ${signal}`);
    expect(stopped.stdout).toBe("");
    const kept = await installed();
    // Those that were waiting for the store's lock are not there.
    expect(["gcc-runtime", "libgreet"].slice(0, kept.length)).toEqual(kept);

    registry.faults = undefined;
    registry.clearRequests();
    const second = await install(source(), "greeter");
    expect(second.stdout).toMatch(new RegExp(`^${3 - kept.length} installed, ${kept.length} skipped; `, "m"));
    const { blobs } = registry.repository("org/cache");
    const fetched = registry.requestsOf("GET", /\/blobs\//).map(({ path }) => path.replace(/.*\//, ""));
    const layers = fetched.filter((digest) => blobs.get(digest)?.subarray(0, 2).toString("hex") === "1f8b");
    expect(layers, "fetches no layer again").toEqual([lastLayer]);
    expect(await greet()).toBe("Hello, Ada!\n");
  });
});

/** The file of a package's own layer in a layout folder. */
async function layerOf(layout: string, tagStart: string): Promise<string> {
  const { manifests } = JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as {
    manifests: { digest: string; annotations?: Record<string, string> }[];
  };
  const named = manifests.find(({ annotations }) =>
    annotations?.["org.opencontainers.image.ref.name"]?.startsWith(tagStart),
  );
  const blob = (digest: string): string => join(layout, "blobs", "sha256", digest.slice("sha256:".length));
  const manifest = JSON.parse(await readFile(blob(named?.digest ?? ""), "utf8"));
  return blob(manifest.layers.at(-1).digest);
}

/** The digest of a package's own layer in a registry. */
function layerDigest(repository: ReturnType<FakeRegistry["repository"]>, tagStart: string): string {
  const [, digest] = [...repository.tags].find(([tag]) => tag.startsWith(tagStart)) ?? [];
  const manifest = JSON.parse(repository.manifests.get(digest ?? "")?.bytes.toString("utf8") ?? "null");
  return manifest.layers.at(-1).digest;
}
