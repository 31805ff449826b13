import {
  buildPackage,
  CacheEditor,
  createTemporaryFolder,
  type FakeRegistry,
  putIndex,
  putPackage,
  startFakeRegistry,
  type TemporaryFolder,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import { parseManifest } from "../oci/manifest.js";
import { openRegistry } from "../registry/open-registry.js";
import { copyBlob } from "../store/copy.js";
import { openLayout } from "../store/layout.js";
import { readReport } from "./report.js";
import type { CacheReport } from "./report-result.js";

let folder: TemporaryFolder;
let source: string;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  source = `oci:${folder.path}`;
});

afterEach(() => folder.remove());

const namesOf = ({ packages }: CacheReport): string[] => packages.map(({ name }) => name);

describe("readReport of a cache that Spack wrote", () => {
  let cache: CacheEditor;

  beforeEach(async () => {
    cache = await CacheEditor.create(folder.path);
  });

  it("has the packages by name with dates, and each layer once with its package and how many images have it", async () => {
    const report = await readReport({ source });
    expect(namesOf(report)).toEqual(["gcc-runtime", "greet-build-tool", "greet-plugin", "greeter", "libgreet"]);
    const greeter = report.packages[3];
    expect(greeter).toMatchObject({
      version: "2.1",
      spec: "greeter@=2.1 build_system=generic platform=linux os=debian12 target=x86_64_v3",
      image: `${source}:${await cache.tagOf("greeter")}`,
      created: "2026-11-21T03:40:17.129Z",
    });
    const layers = greeter?.layers.map((at) => report.layers[at]);
    expect(layers?.map((layer) => report.packages.find(({ hash }) => hash === layer?.package)?.name)).toEqual([
      "gcc-runtime",
      "libgreet",
      "greeter",
    ]);
    expect(layers?.map((layer) => layer?.images)).toEqual([5, 3, 2]);
    expect(layers?.map((layer) => layer?.size)).toEqual([69_832, 8300, 10_271]);
  });

  it("adds up what is stored, and what would be without sharing", async () => {
    const { packages, layers, totals } = await readReport({ source });
    const documents = packages.reduce((sum, { documentSize }) => sum + documentSize, 0);
    const stored = [69_832, 6599, 6908, 10_271, 8300].reduce((a, b) => a + b, documents);
    const again = 4 * 69_832 + 2 * 8300 + 10_271;
    expect(totals).toEqual({ packages: 5, broken: 0, layers: 5, storedSize: stored, unsharedSize: stored + again });
    expect(layers).toHaveLength(5);
    const manifest = await cache.store.resolve(await cache.tagOf("greeter"));
    expect(packages[3]?.documentSize).toBeGreaterThan(manifest?.size ?? Number.POSITIVE_INFINITY);
    expect(packages[3]?.digest).toBe(manifest?.digest);
  });

  it("is the same without an index", async () => {
    const { indexed, ...indexedReport } = await readReport({ source });
    await cache.store.delete("index.spack");
    expect(await readReport({ source })).toEqual({ indexed: false, ...indexedReport });
    expect(indexed).toBe(true);
  });

  it.each(["with", "without"])("keeps to what a query matches and what that needs to run, %s an index", async (how) => {
    if (how === "without") await cache.store.delete("index.spack");
    expect(namesOf(await readReport({ source, queries: ["greeter@2:"] }))).toEqual([
      "gcc-runtime",
      "greeter",
      "libgreet",
    ]);
    expect(namesOf(await readReport({ source, queries: ["libgreet", "greet-build-tool"] }))).toHaveLength(3);
    await expect(readReport({ source, queries: ["greter"] })).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      hint: expect.stringContaining("greeter"),
    });
  });

  it.each([
    ["a tag that the index names is gone", (tag: string) => cache.store.delete(tag), "IMAGE_NOT_FOUND"],
    [
      "the config is gone",
      async (tag: string) => cache.removeBlob((await cache.readManifest(tag)).config.digest),
      "BLOB_NOT_FOUND",
    ],
    [
      "the config is damaged",
      async (tag: string) => {
        const { digest, size } = (await cache.readManifest(tag)).config;
        await cache.damageBlob(digest, size);
      },
      "DIGEST_MISMATCH",
    ],
    [
      "the manifest has no layers",
      async (tag: string) => cache.writeManifest(tag, { ...(await cache.readManifest(tag)), layers: [] }),
      "DOCUMENT_INVALID",
    ],
    [
      "the tag leads to another package",
      async (tag: string) => cache.writeManifest(tag, await cache.readManifest(await cache.tagOf("libgreet"))),
      "DAG_HASH_MISMATCH",
    ],
  ])("names the image where %s, and has all others", async (_what, damage, code) => {
    const tag = await cache.tagOf("greet-plugin");
    await damage(tag);
    const events: SpkociEvent[] = [];
    const report = await readReport({ source }, { emit: (event) => events.push(event) });
    expect(namesOf(report)).toEqual(["gcc-runtime", "greet-build-tool", "greeter", "libgreet"]);
    expect(report.broken).toEqual([{ image: `${source}:${tag}`, code, message: expect.any(String) }]);
    expect(report.totals.broken).toBe(1);
    expect(events.filter(({ type }) => type === "warning")).toHaveLength(1);
  });

  it("tells of tags that lead to no package or to another, where there is no index", async () => {
    await cache.writeManifest("copy-1.0-abcdefg.spack", await cache.readManifest(await cache.tagOf("greeter")));
    await cache.writeManifest("foreign.spack", await cache.readManifest("index.spack"));
    await cache.store.delete("index.spack");
    const report = await readReport({ source });
    expect(report.packages).toHaveLength(5);
    expect(report.broken.map(({ image, code }) => [image, code])).toEqual([
      [`${source}:copy-1.0-abcdefg.spack`, "DAG_HASH_MISMATCH"],
      [`${source}:foreign.spack`, "DOCUMENT_INVALID"],
    ]);
  });

  it("stops when it is told to, with the reason", async () => {
    const stop = new AbortController();
    const emit = ({ type }: SpkociEvent): void => {
      if (type === "progress") stop.abort(new Error("enough"));
    };
    await expect(readReport({ source, jobs: 1 }, { signal: stop.signal, emit })).rejects.toThrow("enough");
  });
});

describe("readReport of other caches", () => {
  it("knows no date where an image says 1970, nothing, or nonsense", async () => {
    const store = await openLayout(folder.path, { create: true });
    const times = {
      epoch: "1970-01-01T00:00:00+00:00",
      absent: undefined,
      nonsense: "yesterday",
      far: "+200000-01-01T00:00:00Z",
    };
    const packages = Object.entries(times).map(([name, archivedAt]) =>
      buildPackage(name, archivedAt === undefined ? {} : { archivedAt }),
    );
    for (const one of packages) await putPackage(store, one);
    await putIndex(store, packages);
    const report = await readReport({ source });
    expect(report.packages.map(({ created }) => created)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("is empty for an empty cache", async () => {
    await putIndex(await openLayout(folder.path, { create: true }), []);
    const report = await readReport({ source });
    expect(report).toMatchObject({ packages: [], layers: [], totals: { packages: 0, storedSize: 0, unsharedSize: 0 } });
  });

  it("is no report of a folder without a cache", async () => {
    await expect(readReport({ source })).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
  });
});

describe("readReport of a registry", () => {
  let registry: FakeRegistry;

  beforeEach(async () => {
    registry = await startFakeRegistry();
  });

  afterEach(() => registry.close());

  it("fetches a manifest and, of Spack's images, a config for each package, and no layer", async () => {
    const { store } = await CacheEditor.create(folder.path);
    await copyAll(store);
    registry.clearRequests();
    const report = await readReport({ source: `${registry.host}/cache` });
    expect(report.packages).toHaveLength(5);
    expect(registry.requestsOf("GET", /\/manifests\//)).toHaveLength(1 + 5);
    expect(registry.requestsOf("GET", /\/blobs\//)).toHaveLength(1 + 5);
    const asked = registry.requests.map(({ path }) => path).join("\n");
    expect(report.layers.filter(({ digest }) => asked.includes(digest))).toEqual([]);
  });

  async function copyAll(from: CacheEditor["store"]): Promise<void> {
    const to = openRegistry({ registry: registry.host, repository: "cache" }, { plainHttp: true });
    for await (const tag of from.tags()) {
      const document = await from.read(tag);
      if (document === undefined) throw new Error(`no ${tag}`);
      const { config, layers } = parseManifest(document, tag);
      for (const blob of [config, ...layers]) await copyBlob(from, to, blob);
      await to.write(document, { tag });
    }
  }
});
