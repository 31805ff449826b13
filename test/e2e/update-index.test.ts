import { cp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { copyBlob, listCache, openLayout, openRegistry, parseManifest, type Store } from "@spkoci/core";
import {
  buildPackage,
  createTemporaryFolder,
  type FakeRegistry,
  fixturePath,
  putPackage,
  requireTool,
  startDockerRegistry,
  startFakeRegistry,
  type TemporaryFolder,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun, startSpkoci } from "./support/run-spkoci.js";

let folder: TemporaryFolder;
let registry: FakeRegistry | undefined;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  await cp(fixturePath("small/cache"), join(folder.path, "cache"), { recursive: true });
});

afterEach(async () => {
  await registry?.close();
  registry = undefined;
  await folder.remove();
});

function spkoci(...words: string[]): Promise<SpkociRun> {
  return runSpkoci(words, { cwd: folder.path });
}

async function namesIn(source: string): Promise<string[]> {
  const { stdout, stderr } = await spkoci("list", "--all-arch", "--format", "{name}", source);
  expect(stderr).toBe("");
  return stdout.trim().split("\n").sort();
}

/** Copies every tag, with what it leads to. */
async function copyAll(from: Store, to: Store): Promise<void> {
  for await (const tag of from.tags()) {
    const document = await from.read(tag);
    if (document === undefined) throw new Error(`${tag} is gone`);
    const { config, layers } = parseManifest(document, tag);
    for (const blob of [config, ...layers]) await copyBlob(from, to, blob);
    await to.write(document, { tag });
  }
}

const small = ["gcc-runtime", "greet-build-tool", "greet-plugin", "greeter", "libgreet"];

describe("update-index", () => {
  it("takes deleted packages out of an index that Spack wrote, names new ones, and then has nothing to do", async () => {
    const store = await openLayout(join(folder.path, "cache"));
    const added = buildPackage("added");
    await putPackage(store, added);
    for await (const tag of store.tags()) if (tag.startsWith("greet-plugin-")) await store.delete(tag);
    const dry = await spkoci("update-index", "--dry-run", "oci:cache");
    expect(dry.stdout).toMatch(
      /^- greet-plugin-0\.5-\w{32}\.spack\n\+ added-1\.0-\w{32}\.spack\nindex of 5 packages: 1 to be added, 1 to be removed/,
    );
    const first = await spkoci("update-index", "oci:cache");
    expect(first).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/index of 5 packages written: 1 added, 1 removed/),
    });
    expect(await namesIn("oci:cache")).toEqual(["added", ...small.filter((name) => name !== "greet-plugin")]);
    const { stdout } = await spkoci("update-index", "--json", "oci:cache");
    expect(JSON.parse(stdout)).toMatchObject({ changed: false, totals: { tags: 5, read: 0 } });
  });

  it("says what to do about an index that can't be read, and does it with --full", async () => {
    await spkoci("update-index", "oci:cache");
    const store = await openLayout(join(folder.path, "cache"));
    const { layers } = JSON.parse(Buffer.from((await store.read("index.spack"))?.bytes ?? []).toString()) as {
      layers: { digest: string }[];
    };
    const blob = join(folder.path, "cache", "blobs", (layers[0]?.digest ?? "").replace(":", "/"));
    await rm(blob);
    const refused = await spkoci("update-index", "oci:cache");
    expect(refused).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/error: the index of .*\nhint: .*update-index --full/),
    });
    await writeFile(blob, "");
    const rebuilt = await spkoci("update-index", "--full", "oci:cache");
    expect(rebuilt, rebuilt.stderr).toMatchObject({ exitCode: 0 });
    expect(await namesIn("oci:cache")).toEqual(small);
  });

  it("goes on where a killed run stopped", async () => {
    registry = await startFakeRegistry();
    const source = `${registry.host}/org/cache`;
    const store = openRegistry({ registry: registry.host, repository: "org/cache" });
    const lib = buildPackage("lib");
    for (let at = 0; at < 1100; at += 1) {
      const { config, layer, manifest, tag } = buildPackage(`p${at}`, { dependencies: [lib] });
      const repository = registry.repository("org/cache");
      for (const { bytes } of [config, layer]) repository.addBlob(bytes);
      repository.addManifest(manifest, tag);
    }
    expect(await store.resolve("index.spack")).toBeUndefined();
    // The last packages come slowly, so that the first thousand are written before.
    let reads = 0;
    registry.faults = ({ method, path }) => {
      if (method !== "GET" || !path.includes("/manifests/p")) return undefined;
      reads += 1;
      return reads > 1000 ? { delayMs: 100 } : undefined;
    };
    const killed = startSpkoci(["update-index", source], { cwd: folder.path });
    while ((await store.resolve("index.spack")) === undefined) await sleep(20);
    killed.process.kill("SIGKILL");
    await killed.ended;
    registry.faults = undefined;
    const { packages: written } = await listCache({ source, allArch: true });
    registry.clearRequests();
    const { stdout, exitCode, stderr } = await spkoci("update-index", "--json", source);
    expect(exitCode, stderr).toBe(0);
    const result = JSON.parse(stdout) as { index: { packages: number }; totals: { read: number } };
    expect(result.index.packages).toBe(1100);
    expect(result.totals.read).toBe(1100 - written.length);
    expect(written.length).toBeGreaterThan(0);
    expect(registry.requestsOf("GET", /manifests\/p/)).toHaveLength(result.totals.read);
  });

  it.skipIf(!requireTool("docker-registry"))(
    "works in docker-registry, on what Spack wrote, after packages were deleted there",
    async () => {
      const docker = await startDockerRegistry({ deleteEnabled: true });
      try {
        const source = `${docker.host}/org/cache`;
        const store = openRegistry({ registry: docker.host, repository: "org/cache" });
        const layout = await openLayout(join(folder.path, "cache"));
        await copyAll(layout, store);
        expect(await spkoci("update-index", source)).toMatchObject({
          exitCode: 0,
          stdout: expect.stringContaining("0 added, 0 removed"),
        });
        for await (const tag of layout.tags()) {
          if (tag.startsWith("greeter-")) await store.delete((await store.resolve(tag))?.digest ?? "");
        }
        const { stdout, stderr } = await spkoci("update-index", source);
        expect(stdout, stderr).toContain("index of 4 packages written: 0 added, 1 removed");
        expect(await namesIn(source)).toEqual(small.filter((name) => name !== "greeter"));
      } finally {
        await docker.close();
      }
    },
  );

  it.each([
    [["oci:nowhere"], 4, "no OCI image layout"],
    [["ghcr.io"], 2, "no path after the registry"],
    [["oci:cache", "-j", "none"], 2, "--jobs"],
    [[], 2, "missing required argument"],
  ])("ends at %j with exit code %i and one line", async (words, code, message) => {
    const { stdout, stderr, exitCode } = await spkoci("update-index", ...words);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: code });
    expect(stderr.split("\n").filter((line) => line.includes("error: "))).toEqual([expect.stringContaining(message)]);
  });
});
