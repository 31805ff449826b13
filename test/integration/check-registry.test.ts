import { join } from "node:path";
import { type CheckOptions, type CheckResult, check, copy, openLayout, push } from "@spkoci/core";
import {
  createTemporaryFolder,
  type DockerRegistry,
  type FakeRegistry,
  type FixtureStore,
  fixturePath,
  requireTool,
  SMALL_HASHES,
  SMALL_TAGS,
  startDockerRegistry,
  startFakeRegistry,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildBaseImage, putBaseImage } from "./support/base-image.js";

const CACHE = `oci:${fixturePath("small/cache")}`;

const codesOf = ({ findings }: CheckResult): string[] => findings.map(({ code }) => code);

/** A package's own layer, or its config, in the fixture. */
async function digestIn(name: keyof typeof SMALL_TAGS, part: "layer" | "config"): Promise<string> {
  const store = await openLayout(fixturePath("small/cache"));
  const document = await store.read(SMALL_TAGS[name]);
  const { layers, config } = JSON.parse(Buffer.from(document?.bytes ?? []).toString());
  return part === "config" ? config.digest : layers.at(-1).digest;
}

describe.skipIf(!requireTool("docker-registry"))("a cache in docker-registry", () => {
  let registry: DockerRegistry;
  let store: FixtureStore;
  let folder: TemporaryFolder;
  let source: string;

  beforeAll(async () => {
    registry = await startDockerRegistry({ deleteEnabled: true });
    store = await unpackFixtureStore();
    folder = await createTemporaryFolder();
    source = `${registry.host}/org/cache`;
    await copy({ source: CACHE, target: source });
  });

  afterAll(async () => {
    await registry.close();
    await store.remove();
    await folder.remove();
  });

  function run(options: Partial<CheckOptions> = {}): Promise<CheckResult> {
    return check({ source, level: "contents", ...options });
  }

  it("is sound as it was copied", async () => {
    const { findings, totals } = await run();
    expect(findings).toEqual([]);
    expect(totals).toMatchObject({ packages: 5, records: 9 });
  });

  it.each(["oci", "docker"] as const)(
    "is sound as it was pushed onto a base image of the family %s",
    async (family) => {
      const base = join(folder.path, `layout-${family}`);
      const image = await buildBaseImage(folder.path, family);
      await putBaseImage(await openLayout(base, { create: true }), image, "base");
      const target = `${registry.host}/org/${family}`;
      const sources = { store: store.store, sysroot: store.path, specs: ["greet-plugin"], runEnv: "prefix" } as const;
      await push({ ...sources, target, cacheDir: join(folder.path, "c"), baseImage: `oci:${base}:base`, tag: "tools" });
      const { findings, totals } = await check({ source: target, level: "contents" });
      expect(findings).toEqual([]);
      expect(totals).toMatchObject({ packages: 4, images: 1 });
    },
  );

  it("is found to lack what was deleted, and its index is mended", async () => {
    const layer = await digestIn("libgreet", "layer");
    const manifest = await fetch(`${registry.url}/v2/org/cache/manifests/${SMALL_TAGS["greet-plugin"]}`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    });
    const digest = manifest.headers.get("docker-content-digest");
    for (const path of [`blobs/${layer}`, `manifests/${digest}`]) {
      const { status } = await fetch(`${registry.url}/v2/org/cache/${path}`, { method: "DELETE" });
      expect(status).toBe(202);
    }
    const { findings } = await run({ level: "blobs" });
    expect(findings).toMatchObject([
      { code: "RECORD_WITHOUT_TAG", hash: SMALL_HASHES["greet-plugin"] },
      { code: "BLOB_MISSING", digest: layer, tag: SMALL_TAGS.libgreet, images: 2 },
    ]);
    const repaired = await run({ level: "blobs", repair: true });
    expect(repaired.totals).toMatchObject({ errors: 1, repaired: 1 });
    expect(codesOf(await run())).toEqual(["BLOB_MISSING"]);
  });
});

describe("a cache in a registry", () => {
  let registry: FakeRegistry;

  beforeEach(async () => {
    registry = await startFakeRegistry();
    await copy({ source: CACHE, target: `${registry.host}/cache` });
  });

  afterEach(() => registry.close());

  function run(options: Partial<CheckOptions> = {}): Promise<CheckResult> {
    return check({ source: `${registry.host}/cache`, ...options });
  }

  it("is asked once for each layer, and for nothing at the level index but tags and index", async () => {
    const before = registry.requests.length;
    expect((await run()).findings).toEqual([]);
    const heads = registry.requests.slice(before).filter(({ method }) => method === "HEAD");
    expect(heads).toHaveLength(6);
    const after = registry.requests.length;
    await run({ level: "index" });
    expect(registry.requests.slice(after).map(({ path }) => path.replace(/sha256:.*/, "DIGEST"))).toEqual([
      "/v2/cache/tags/list",
      "/v2/cache/manifests/index.spack",
      "/v2/cache/blobs/DIGEST",
    ]);
  });

  it("is found to have lost and damaged blobs", async () => {
    const { blobs } = registry.repository("cache");
    const [lost, other, config] = await Promise.all([
      digestIn("gcc-runtime", "layer"),
      digestIn("greeter", "layer"),
      digestIn("libgreet", "config"),
    ]);
    blobs.delete(lost);
    blobs.set(other, Buffer.alloc(blobs.get(other)?.length ?? 0));
    blobs.set(config, Buffer.alloc(10));
    expect((await run({ level: "contents" })).findings).toMatchObject([
      { code: "CONFIG_UNREADABLE", tag: SMALL_TAGS.libgreet },
      { code: "BLOB_MISSING", digest: lost },
      { code: "BLOB_DAMAGED", digest: other, tag: SMALL_TAGS.greeter },
    ]);
  });

  it("is found to have a manifest that it answers 500 for, as long as it answers otherwise", async () => {
    registry.faults = ({ path }) =>
      path.endsWith(SMALL_TAGS.greeter) ? { status: 500, headers: { "retry-after": "0" }, body: "damaged" } : undefined;
    expect((await run()).findings).toMatchObject([{ code: "MANIFEST_UNREADABLE", tag: SMALL_TAGS.greeter }]);
  });

  it("is not called broken when the registry is, or lets nobody in", async () => {
    registry.faults = ({ path }) => (path.includes("/manifests/") ? { status: 400, body: "no" } : undefined);
    await expect(run()).rejects.toMatchObject({ code: "REGISTRY_REJECTED" });
    registry.faults = ({ path }) => (path.includes("/blobs/") ? { status: 403, body: "no" } : undefined);
    await expect(run()).rejects.toMatchObject({ code: "AUTHENTICATION_REQUIRED" });
  });

  it("is not found wrong for a package that is being pushed, before its tag is listed or before the index names it", async () => {
    const { tags, manifests, blobs } = registry.repository("cache");
    const whole = { plugin: tags.get(SMALL_TAGS["greet-plugin"]) ?? "", index: tags.get("index.spack") ?? "" };
    tags.delete(SMALL_TAGS["greet-plugin"]);
    registry.faults = ({ path }) => {
      if (path.endsWith("/manifests/index.spack")) tags.set(SMALL_TAGS["greet-plugin"], whole.plugin);
      return undefined;
    };
    expect((await run()).findings).toEqual([]);
    registry.faults = undefined;
    await copy({ source: CACHE, target: `${registry.host}/part`, queries: ["greeter"] });
    const part = registry.repository("part");
    for (const [digest, manifest] of part.manifests) manifests.set(digest, manifest);
    for (const [digest, blob] of part.blobs) blobs.set(digest, blob);
    tags.set("index.spack", part.tags.get("index.spack") ?? "");
    expect(codesOf(await run({ level: "index" }))).toEqual(["TAG_NOT_INDEXED", "TAG_NOT_INDEXED"]);
    registry.faults = ({ path }) => {
      if (path.includes("/blobs/")) tags.set("index.spack", whole.index);
      return undefined;
    };
    expect((await run({ level: "index" })).findings).toEqual([]);
  });
});
