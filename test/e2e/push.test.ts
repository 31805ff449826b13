import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  createTemporaryFolder,
  type FakeRegistry,
  type FixtureStore,
  startFakeRegistry,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun, startSpkoci } from "./support/run-spkoci.js";

const GREETER = ["gcc-runtime", "libgreet", "greeter"];

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

const wordsFor = (target: string, ...more: string[]): string[] => [
  ...["push", "--sysroot", store.path, "--store", store.store, "--cache-dir", "cache"],
  ...[target, "greeter", ...more],
];

function push(target: string, ...more: string[]): Promise<SpkociRun> {
  return runSpkoci(wordsFor(target, ...more), { cwd: folder.path });
}

async function tagsOf(layout: string): Promise<string[]> {
  const index = JSON.parse(await readFile(join(folder.path, layout, "index.json"), "utf8")) as {
    manifests: { annotations?: Record<string, string> }[];
  };
  return index.manifests.map(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] ?? "").sort();
}

/** Names of what lies in the spool of the cache folder. */
function spooled(): Promise<string[]> {
  return readdir(join(folder.path, "cache", "spool"));
}

describe("push to a folder", () => {
  it("writes an image for the package and each dependency, and an index, and says so", async () => {
    const { stdout, stderr, exitCode } = await push("oci:out");
    expect(exitCode).toBe(0);
    const tags = await tagsOf("out");
    expect(tags).toHaveLength(4);
    expect(tags).toContain("index.spack");
    for (const name of GREETER) {
      const tag = tags.find((each) => each.startsWith(`${name}-`));
      expect(stdout).toMatch(new RegExp(`^oci:out:${tag} +sha256:[0-9a-f]{12} +[0-9.]+ KiB +pushed +[0-9.]+ s$`, "m"));
    }
    expect(stdout).toMatch(/^3 pushed, 0 rewritten, 0 skipped; [0-9.]+ KiB sent in /m);
    expect(stdout).toMatch(/^The index names 3 packages\.$/m);
    expect(stderr.match(/^\[[123]\/3\] pushed /gm)).toHaveLength(3);
    expect(stdout + stderr).not.toContain("\u001b");
    expect(await spooled()).toEqual([]);
  });

  it("skips what is there", async () => {
    await push("oci:out");
    const { stdout, exitCode } = await push("oci:out");
    expect(stdout).toMatch(/^0 pushed, 0 rewritten, 3 skipped; 0 B sent in /m);
    expect(exitCode).toBe(0);
  });

  it("gives events as JSON lines and one result document with --json", async () => {
    const { stdout, stderr, exitCode } = await push("oci:out", "--json", "--tag", "tools");
    expect(exitCode).toBe(0);
    const result = JSON.parse(stdout);
    expect(result.packages.map((each: { name: string }) => each.name)).toEqual(GREETER);
    expect(result).toMatchObject({
      target: "oci:out",
      image: { image: "oci:out:tools", digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
      index: { packages: 3 },
      totals: { pushed: 3, rewritten: 0, skipped: 0, failed: 0, bytesSent: expect.any(Number) },
    });
    const events = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string });
    const typesOf = (type: string): number => events.filter((event) => event.type === type).length;
    expect(typesOf("package-started")).toBe(3);
    expect(typesOf("package-finished")).toBe(3);
    expect(events).toContainEqual({ type: "planned", packages: 3, prefixSize: expect.any(Number) });
    expect(await tagsOf("out")).toContain("tools");
  });

  it("says nothing with --quiet", async () => {
    expect(await push("oci:out", "--quiet")).toEqual({ stdout: "", stderr: "", exitCode: 0 });
    expect(await tagsOf("out")).toHaveLength(4);
  });

  it("takes settings from the project's file", async () => {
    await writeFile(join(folder.path, "spkoci.yaml"), "update-index: false\nset-env: {GREETING: hej}\n");
    const { exitCode } = await push("oci:out");
    expect(exitCode).toBe(0);
    expect(await tagsOf("out")).toHaveLength(3);
  });
});

describe("push --dry-run", () => {
  it("shows the plan and writes nothing", async () => {
    const { stdout, exitCode } = await push("oci:out", "--dry-run");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^push +greeter@2\.1\/53zaetj +3 +[0-9.]+ KiB +\S/m);
    expect(stdout).toMatch(
      /^3 to push \([0-9.]+ KiB to read\), 0 to rewrite, 0 there already; nothing was written to oci:out$/m,
    );
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("is the plan as one document with --json, and knows what is there", async () => {
    await push("oci:out");
    const { stdout, exitCode } = await push("oci:out", "--dry-run", "--json");
    expect(exitCode).toBe(0);
    const plan = JSON.parse(stdout);
    expect(plan.packages.map(({ name, action }: { name: string; action: string }) => [name, action])).toEqual(
      GREETER.map((name) => [name, "skip"]),
    );
  });
});

describe("push with failures", () => {
  it("does the other packages, lists the failures, and exits with 10", async () => {
    const broken = await unpackFixtureStore();
    try {
      const installs = join(broken.path, broken.store, "linux-x86_64_v3");
      const plugin = (await readdir(installs)).find((name) => name.startsWith("greet-plugin-"));
      await mkdir(join(broken.path, "elsewhere"));
      await rename(join(installs, plugin ?? ""), join(broken.path, "elsewhere", "plugin"));
      const words = ["push", "--sysroot", broken.path, "--cache-dir", "cache", "oci:out", "greeter", "greet-plugin"];
      const { stdout, stderr, exitCode } = await runSpkoci(words, { cwd: folder.path });
      expect(exitCode).toBe(10);
      expect(stdout).toMatch(/3 pushed, 0 rewritten, 0 skipped, 1 failed/);
      expect(stderr).toMatch(/^spkoci: error: greet-plugin@0\.5\/4mu7dtu: /m);
      expect(stderr).toMatch(/^spkoci: error: 1 of 4 packages failed$/m);
      expect((await tagsOf("out")).filter((tag) => tag.startsWith("greet-plugin"))).toEqual([]);
    } finally {
      await broken.remove();
    }
  });
});

describe("push to a registry", () => {
  let registry: FakeRegistry;

  beforeEach(async () => {
    registry = await startFakeRegistry();
  });

  afterEach(() => registry.close());

  const target = (): string => `${registry.host}/org/cache`;

  it("uses SPKOCI_USERNAME and SPKOCI_PASSWORD and prints neither", async () => {
    await registry.close();
    registry = await startFakeRegistry({ auth: { type: "basic", username: "me", password: "s3cr3t-pass" } });
    const env = { SPKOCI_USERNAME: "me", SPKOCI_PASSWORD: "s3cr3t-pass" };
    const words = wordsFor(target(), "--verbose", "--debug");
    const { stdout, stderr, exitCode } = await runSpkoci(words, { cwd: folder.path, env });
    expect(stderr).toMatch(/^PUT http:\/\/127\.0\.0\.1:\d+\/v2\/org\/cache\/manifests\/index\.spack 201 /m);
    expect(exitCode).toBe(0);
    expect(stdout + stderr).not.toContain("s3cr3t-pass");
    expect(stdout + stderr).not.toContain(Buffer.from("me:s3cr3t-pass").toString("base64"));
  });

  it("says what to do where credentials are wanted and there are none", async () => {
    await registry.close();
    registry = await startFakeRegistry({ auth: { type: "basic", username: "me", password: "x" } });
    const { stderr, exitCode } = await push(target());
    expect(stderr).toMatch(/^spkoci: error: .*127\.0\.0\.1/m);
    expect(stderr).toMatch(/^hint: .*spkoci login/m);
    expect(exitCode).toBe(5);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("stops cleanly on %s with exit code %d, and a second run goes on", async (signal, exitCode) => {
    // The last package's upload never ends.
    const reached = new Promise<void>((fulfil) => {
      registry.faults = ({ method, path, count }) => {
        if (method !== "POST" || !path.includes("/blobs/uploads/") || count < 3) return undefined;
        fulfil();
        return { delayMs: 60_000 };
      };
    });
    const { process: child, ended } = startSpkoci(wordsFor(target(), "--jobs", "1"), { cwd: folder.path });
    await reached;
    expect((await spooled()).length).toBeGreaterThan(0);
    child.kill(signal);
    const stopped = await ended;
    expect(stopped.exitCode).toBe(exitCode);
    expect(stopped.stderr).toContain(`spkoci: error: stopped by ${signal}`);
    expect(stopped.stdout).toBe("");
    expect(await spooled()).toEqual([]);
    const repository = registry.repository("org/cache");
    expect([...repository.tags.keys()]).not.toContain("index.spack");
    expectComplete(repository);

    registry.faults = undefined;
    const second = await push(target());
    expect(second.exitCode).toBe(0);
    expect([...repository.tags.keys()].sort()).toHaveLength(4);
    expectComplete(repository);
  });

  it("ends at once on the second signal", async () => {
    const reached = new Promise<void>((fulfil) => {
      registry.faults = ({ method }) => {
        if (method !== "POST") return undefined;
        fulfil();
        return { delayMs: 60_000 };
      };
    });
    const { process: child, ended } = startSpkoci(wordsFor(target()), { cwd: folder.path });
    await reached;
    child.kill("SIGINT");
    child.kill("SIGINT");
    expect((await ended).exitCode).toBe(130);
  });
});

/** Every tag names a manifest whose config and layers are all there. */
function expectComplete(repository: ReturnType<FakeRegistry["repository"]>): void {
  for (const digest of repository.tags.values()) {
    const manifest = JSON.parse(repository.manifests.get(digest)?.bytes.toString("utf8") ?? "null");
    for (const blob of [manifest.config, ...(manifest.layers ?? [])]) {
      expect(repository.blobs.has(blob.digest)).toBe(true);
    }
  }
}
