import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  createTemporaryFolder,
  type FakeRegistry,
  fixturePath,
  startFakeRegistry,
  type TemporaryFolder,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun, startSpkoci } from "./support/run-spkoci.js";

const CACHE = `oci:${fixturePath("small/cache")}`;
const NAMES = ["gcc-runtime", "greet-build-tool", "greet-plugin", "greeter", "libgreet"];

let folder: TemporaryFolder;
let registry: FakeRegistry | undefined;

beforeEach(async () => {
  folder = await createTemporaryFolder();
});

afterEach(async () => {
  await registry?.close();
  registry = undefined;
  await folder.remove();
});

function copy(...words: string[]): Promise<SpkociRun> {
  return runSpkoci(["copy", ...words], { cwd: folder.path });
}

/** What `--json` printed. */
function resultOf({ stdout }: SpkociRun): { packages: { name: string; outcome: string; error?: { code: string } }[] } {
  return JSON.parse(stdout);
}

async function outcomesOf(run: Promise<SpkociRun>): Promise<Record<string, string>> {
  return Object.fromEntries(resultOf(await run).packages.map(({ name, outcome }) => [name, outcome]));
}

const all = (outcome: string): Record<string, string> => Object.fromEntries(NAMES.map((name) => [name, outcome]));

describe("copy", () => {
  it("says what became of each package, and what the index names", async () => {
    const { stdout, stderr, exitCode } = await copy(CACHE, "oci:out", "greeter");
    expect(exitCode).toBe(0);
    for (const name of ["gcc-runtime", "libgreet", "greeter"]) {
      expect(stdout).toMatch(new RegExp(`^${name}@[0-9.]+/[a-z0-9]{7} +copied +[0-9.]+ KiB +[0-9.]+ s$`, "m"));
      expect(stderr).toMatch(new RegExp(`copied ${name}@`));
    }
    expect(stdout).toMatch(/^3 copied, 0 skipped; [0-9.]+ KiB sent to oci:out in /m);
    expect(stdout).toMatch(/^The index names 3 packages\.$/m);
    const again = await copy(CACHE, "oci:out", "greeter", "--quiet");
    expect(again).toEqual({ stdout: "", stderr: "", exitCode: 0 });
  });

  it("carries a cache in a file, in and out, by its name or by --tar", async () => {
    expect(await outcomesOf(copy(CACHE, "-", "--tar", "disk/cache.tar", "--json"))).toEqual(all("copied"));
    expect(await outcomesOf(copy("oci-archive:disk/cache.tar", "oci:one", "--json"))).toEqual(all("copied"));
    expect(await outcomesOf(copy("--tar=disk/cache.tar", "-", "oci:two", "--json"))).toEqual(all("copied"));
    expect(await outcomesOf(copy("oci:one", "oci-archive:disk/cache.tar", "--json"))).toEqual(all("skipped"));
    const words = [
      "install",
      "--root",
      join(folder.path, "r"),
      "--cache-dir",
      "c",
      "oci-archive:disk/cache.tar",
      "libgreet",
    ];
    expect((await runSpkoci(words, { cwd: folder.path })).stdout).toMatch(/^2 installed/m);
  });

  it("shows with --dry-run what would be sent, and writes nothing", async () => {
    const { stdout, exitCode } = await copy("--dry-run", CACHE, "oci:out", "libgreet");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^copy +libgreet@1\.0\/[a-z0-9]{7} +[0-9.]+ KiB$/m);
    expect(stdout).toMatch(/^2 to copy, 0 there already; [0-9.]+ KiB to send; nothing was written to oci:out$/m);
    const plan = JSON.parse((await copy("--dry-run", "--json", CACHE, "oci:out", "libgreet", "--no-deps")).stdout);
    expect(plan.packages).toMatchObject([{ name: "libgreet", action: "copy" }]);
    expect(plan.bytes).toBeGreaterThan(10_000);
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("reads queries as Spack does: what begins with a sigil belongs to the word before it", async () => {
    expect(
      Object.keys(await outcomesOf(copy(CACHE, "oci:out", "greet-plugin", "^greeter@2:", "--no-deps", "--json"))),
    ).toEqual(["greet-plugin"]);
    const { stderr, exitCode } = await copy(CACHE, "oci:other", "greet-plugin", "^greeter@3:");
    expect([exitCode, stderr]).toEqual([4, expect.stringMatching(/no package .* matches greet-plugin \^greeter@3:/)]);
  });
});

describe("a copy that goes wrong", () => {
  it("for one package does the others, and ends with 10", async () => {
    registry = await startFakeRegistry({
      faults: ({ method, path }) =>
        method === "PUT" && path.includes("/manifests/libgreet-") ? { status: 403 } : undefined,
    });
    const { stdout, stderr, exitCode } = await copy(CACHE, `${registry.host}/cache`);
    expect(exitCode).toBe(10);
    expect(stdout).toMatch(/^2 copied, 0 skipped, 3 failed; /m);
    expect(stderr).toMatch(/error: libgreet@1\.0\/[a-z0-9]{7}: pushing manifest /);
    expect(stderr).toMatch(
      /error: greeter@2\.1\/[a-z0-9]{7}: greeter@2\.1 needs libgreet@1\.0, which could not be copied/,
    );
    registry.faults = undefined;
    expect(await outcomesOf(copy(CACHE, `${registry.host}/cache`, "--json"))).toEqual({
      ...all("copied"),
      "gcc-runtime": "skipped",
      "greet-build-tool": "skipped",
    });
  });

  it("because it is killed leaves a valid target, and the next sends only what is missing", async () => {
    // The third manifest is not answered: whatever is then at the registry was left by the killed process.
    let reached: () => void = () => {};
    const waiting = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let manifests = 0;
    registry = await startFakeRegistry({
      faults: ({ method, path }) => {
        if (method !== "PUT" || !path.includes("/manifests/")) return undefined;
        manifests += 1;
        if (manifests < 3) return undefined;
        reached();
        return { delayMs: 60_000, status: 500 };
      },
    });
    const running = startSpkoci(["copy", CACHE, `${registry.host}/cache`, "-j", "1"], { cwd: folder.path });
    await waiting;
    running.process.kill("SIGKILL");
    await running.ended;
    registry.faults = undefined;
    const { tags, manifests: there, blobs } = registry.repository("cache");
    expect(tags.size).toBe(2);
    for (const digest of tags.values()) {
      const { config, layers } = JSON.parse(there.get(digest)?.bytes.toString() ?? "");
      for (const part of [config, ...layers]) expect(blobs.has(part.digest)).toBe(true);
    }
    const before = new Set(blobs.keys());
    registry.clearRequests();
    expect(Object.values(await outcomesOf(copy(CACHE, `${registry.host}/cache`, "--json"))).sort()).toEqual([
      "copied",
      "copied",
      "copied",
      "skipped",
      "skipped",
    ]);
    const sent = registry.requestsOf("PUT", /\/blobs\/uploads\//).map(({ query }) => query.get("digest") ?? "");
    expect(sent.filter((digest) => before.has(digest))).toEqual([]);
    expect(await outcomesOf(copy(`${registry.host}/cache`, "oci:back", "--json"))).toEqual(all("copied"));
  });

  it("because it is killed while it writes an archive leaves the one that was there", async () => {
    await copy(CACHE, "oci-archive:cache.tar", "libgreet");
    const before = await readFile(join(folder.path, "cache.tar"));
    let reached: () => void = () => {};
    const waiting = new Promise<void>((resolve) => {
      reached = resolve;
    });
    registry = await startFakeRegistry();
    await copy(CACHE, `${registry.host}/cache`);
    let blobs = 0;
    registry.faults = ({ method, path }) => {
      if (method !== "GET" || !path.includes("/blobs/")) return undefined;
      blobs += 1;
      // The index and three configs come first; then the tar is written.
      if (blobs < 6) return undefined;
      reached();
      return { delayMs: 60_000, status: 500 };
    };
    const running = startSpkoci(["copy", `${registry.host}/cache`, "oci-archive:cache.tar"], { cwd: folder.path });
    await waiting;
    running.process.kill("SIGKILL");
    await running.ended;
    registry.faults = undefined;
    expect((await readFile(join(folder.path, "cache.tar"))).equals(before)).toBe(true);
    expect(await outcomesOf(copy(`${registry.host}/cache`, "oci-archive:cache.tar", "--json"))).toEqual({
      ...all("copied"),
      "gcc-runtime": "skipped",
      libgreet: "skipped",
    });
    expect(await readdir(folder.path)).toEqual(["cache.tar"]);
  });
});

describe("wrong words", () => {
  it.each<[string, string[], number, RegExp]>([
    ["a source that isn't there", ["oci:none", "oci:out"], 4, /none is no OCI image layout/],
    ["an archive that isn't there", ["oci-archive:none.tar", "oci:out"], 4, /there is no file none\.tar/],
    ["a package that isn't there", [CACHE, "oci:out", "greter"], 4, /no package .* matches greter[\s\S]*greeter/],
    ["a query that can't be read", [CACHE, "oci:out", "a@@"], 2, /a@@/],
    ["a path", [CACHE, "./out"], 2, /oci:\.\/out for an OCI layout folder, oci-archive:\.\/out for a tar/],
    ["one place twice", [CACHE, CACHE], 2, /both source and target/],
    ["--tar without a place for it", [CACHE, "oci:out", "--tar", "x.tar"], 2, /--tar FILE stands where/],
    ["a place for --tar without it", [CACHE, "-"], 2, /--tar FILE stands where/],
    ["a package's tag", [CACHE, "oci:out", "--tag", "a-1-abcdefgh.spack"], 2, /can't be copied as a tag of its own/],
    ["a tag with control characters", [CACHE, "oci:out", "--tag", "a\u001b[31m"], 2, /a\\u001b\[31m/],
  ])("end with one line and a hint, and leave nothing: %s", async (_what, words, code, message) => {
    const { stdout, stderr, exitCode } = await copy(...words);
    expect([exitCode, stdout]).toEqual([code, ""]);
    expect(stderr).toMatch(message);
    expect(stderr.match(/error:/g)).toHaveLength(1);
    expect(stderr).toMatch(/^hint: /m);
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("an archive that is damaged is one line, and stays", async () => {
    await writeFile(join(folder.path, "x.tar"), "not a tar".repeat(200));
    const { stderr, exitCode } = await copy(CACHE, "oci-archive:x.tar");
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/x\.tar can't be read as an OCI archive: it is no tar/);
    expect(await readFile(join(folder.path, "x.tar"), "utf8")).toContain("not a tar");
  });

  it("an archive is nothing to change", async () => {
    const words = ["update-index", "oci-archive:x.tar"];
    await copy(CACHE, "oci-archive:x.tar", "libgreet", "-q");
    const { stderr, exitCode } = await runSpkoci(words, { cwd: folder.path });
    expect([exitCode, stderr]).toEqual([9, expect.stringMatching(/oci-archive:x\.tar can only be read\nhint: /)]);
  });

  it("a tar that can't be written is told of before anything is copied", async () => {
    await writeFile(join(folder.path, "file"), "");
    const { stderr, exitCode } = await copy(CACHE, "oci-archive:file/x.tar");
    expect([exitCode, stderr]).toEqual([9, expect.stringMatching(/error: writing to file: (?:ENOTDIR|EEXIST)/)]);
    expect(stderr).not.toMatch(/copied/);
  });
});
