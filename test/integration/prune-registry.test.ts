import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { install, openLayout, openRegistry, parseManifest, prune, push, type Store } from "@spkoci/core";
import {
  createTemporaryFolder,
  type DockerRegistry,
  fixturePath,
  namesOf,
  requireTool,
  startDockerRegistry,
  type TemporaryFolder,
  tagsOf,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const run = promisify(execFile);
const tools = ["docker-registry", "skopeo"].map(requireTool).every(Boolean);

let registry: DockerRegistry;
let folder: TemporaryFolder;
let store: Store;

beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(async () => {
  await registry.close();
  await folder.remove();
});

async function start(deleteEnabled: boolean): Promise<void> {
  registry = await startDockerRegistry({ deleteEnabled });
  store = openRegistry({ registry: registry.host, repository: "org/cache" });
}

/** Brings the cache that real Spack wrote to the registry, image by image. */
async function copySpacksCache(): Promise<void> {
  const source = fixturePath("small/cache");
  const layout = await openLayout(source);
  for await (const tag of layout.tags()) {
    const to = `docker://${registry.host}/org/cache:${tag}`;
    await run("skopeo", ["copy", "--preserve-digests", "--dest-tls-verify=false", `oci:${source}:${tag}`, to]);
  }
}

async function pushFixtureStore(): Promise<void> {
  const fixture = await unpackFixtureStore();
  try {
    const common = { store: fixture.store, sysroot: fixture.path, cacheDir: join(folder.path, "cache") };
    await push({ ...common, target: `${registry.host}/org/cache`, all: true, runEnv: "prefix" });
  } finally {
    await fixture.remove();
  }
}

/** Copies an image with skopeo, which checks every blob. */
async function copyAway(tag: string): Promise<void> {
  const from = `docker://${registry.host}/org/cache:${tag}`;
  await run("skopeo", ["copy", "--src-tls-verify=false", from, `oci:${join(folder.path, "away")}:${tag}`]);
}

describe.skipIf(!tools)("checklist 60: docker-registry with deletion enabled", () => {
  beforeEach(() => start(true));

  it.each([
    ["that real Spack wrote", copySpacksCache],
    ["that spkoci pushed", pushFixtureStore],
  ])("a cache %s keeps what is kept, whole, also after its garbage is collected", async (_, fill) => {
    await fill();
    const gone = await imageOf("greet-plugin");
    const result = await prune({ target: `${registry.host}/org/cache`, keep: ["greeter"], graceMs: 0 });
    expect(result.totals).toMatchObject({ removed: 2, left: 0, failed: 0 });
    expect(await namesOf(store)).toEqual(["gcc-runtime", "greeter", "index.spack", "libgreet"]);
    const said = await registry.collectGarbage();
    for (const { digest } of gone) expect(said).toContain(`blob eligible for deletion: ${digest}`);
    for await (const tag of store.tags()) await copyAway(tag);
    const root = join(folder.path, "root");
    const installed = await install({
      sources: [`${registry.host}/org/cache`],
      specs: ["greeter"],
      root,
      cacheDir: join(folder.path, "fetched"),
      allowUnrelocatable: true,
    });
    expect(installed.totals).toMatchObject({ installed: 3, failed: 0 });
  });

  it("deletes by digest with every tag, and tells that it doesn't by tag", async () => {
    await copySpacksCache();
    const tag = await tagOf("greet-plugin");
    const digest = (await store.resolve(tag))?.digest ?? "";
    await run("skopeo", [
      "copy",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      `docker://${registry.host}/org/cache:${tag}`,
      `docker://${registry.host}/org/cache:alias`,
    ]);
    await expect(store.delete("alias")).rejects.toMatchObject({ code: "DELETE_UNSUPPORTED" });
    expect((await store.resolve("alias"))?.digest).toBe(digest);
    expect(await store.delete(digest)).toBe(true);
    expect(await namesOf(store)).not.toContain("alias");
    expect(await namesOf(store)).not.toContain("greet-plugin");
    expect(await store.delete(digest)).toBe(false);
  });
});

describe.skipIf(!tools)("docker-registry as it comes", () => {
  it("loses nothing, not even from the index, and says why", async () => {
    await start(false);
    await copySpacksCache();
    const before = await store.resolve("index.spack");
    await expect(prune({ target: `${registry.host}/org/cache`, keep: ["greeter"], graceMs: 0 })).rejects.toMatchObject({
      code: "DELETE_UNSUPPORTED",
      message: expect.stringContaining("nothing was changed"),
    });
    expect(await store.resolve("index.spack")).toEqual(before);
    expect(await namesOf(store)).toHaveLength(6);
  });
});

async function tagOf(name: string): Promise<string> {
  return (await tagsOf(store)).find((tag) => tag.startsWith(`${name}-`)) ?? "";
}

/** The manifest of a package, its config and its own layer. */
async function imageOf(name: string) {
  const tag = await tagOf(name);
  const document = await store.read(tag);
  if (document === undefined) throw new Error(`${name} isn't there`);
  const { config, layers } = parseManifest(document, name);
  return [document.descriptor, config, ...layers.slice(-1)];
}
