import { buildPackage, putPackage, type TestPackage, type TestPackageOptions } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { Op } from "../base/op.js";
import { formatCacheIndex } from "../catalog/index-document.js";
import { readIndex } from "../catalog/read-index.js";
import { readSeenTags, SEEN_TAGS, type SeenTags } from "../catalog/seen-tags.js";
import { changeIndex } from "../catalog/write-index.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { documentOf, jsonDocument } from "../oci/document.js";
import { parseManifest } from "../oci/manifest.js";
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST } from "../oci/media-type.js";
import { blobOf } from "../oci/store.js";
import { parseSpecFile } from "../spack/spec-file.js";
import { INDEX_TAG } from "../spack/tag.js";
import { MemoryStore } from "../store/memory.js";
import type { UpdateIndexOptions } from "./options.js";
import { Reindexing } from "./reindexing.js";
import type { UpdateIndexResult } from "./result.js";

/** Counts what is read, and can stop. */
class CountingStore extends MemoryStore {
  reads: string[] = [];
  resolved: string[] = [];
  writes = 0;
  onRead: (tag: string) => void = () => {};

  override async read(reference: string, op?: Op): Promise<Document | undefined> {
    if (reference !== INDEX_TAG && !reference.startsWith("sha256:")) {
      this.reads.push(reference);
      this.onRead(reference);
    }
    return super.read(reference, op);
  }
  override async resolve(reference: string, op?: Op): Promise<Descriptor | undefined> {
    if (reference !== INDEX_TAG) this.resolved.push(reference);
    return (await super.read(reference, op))?.descriptor;
  }
  override async write(...args: Parameters<MemoryStore["write"]>): Promise<void> {
    this.writes += 1;
    await super.write(...args);
  }
  forget(): void {
    this.reads = [];
    this.resolved = [];
    this.writes = 0;
  }
}

async function storeOf(...packages: readonly TestPackage[]): Promise<CountingStore> {
  const store = new CountingStore();
  for (const one of packages) await putPackage(store, one);
  store.forget();
  return store;
}

async function update(
  store: MemoryStore,
  options: Partial<UpdateIndexOptions> = {},
  op: Op = {},
): Promise<UpdateIndexResult> {
  return new Reindexing(store, { source: "memory", access: {}, ...options }, op).run();
}

/** Names of packages that the index says are in the cache, and those that it only depends on, after a slash. */
async function namesIn(store: MemoryStore): Promise<string> {
  const { index } = await readIndex(store);
  const names = (inCache: boolean): string[] =>
    [...index.installs.values()]
      .filter((record) => record.inBuildcache === inCache)
      .map(({ json }) => (JSON.parse(json.text) as { spec: { name: string } }).spec.name)
      .sort();
  return `${names(true).join(" ")}/${names(false).join(" ")}`;
}

async function seenIn(store: MemoryStore): Promise<SeenTags> {
  const { manifest } = await readIndex(store);
  return readSeenTags(store, manifest?.layers ?? []);
}

/** A tag that leads to an image without a spec. */
async function putForeign(store: MemoryStore, tag: string): Promise<void> {
  const config = jsonDocument(OCI_CONFIG, {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [] },
  });
  await store.put(blobOf(config));
  const { mediaType, digest, size } = config.descriptor;
  const value = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType, digest, size },
    layers: [],
    annotations: { tag },
  };
  await store.write(jsonDocument(OCI_MANIFEST, value), { tag });
}

/** Writes an index of this text, as other programs would. */
async function putIndexText(store: MemoryStore, text: string): Promise<void> {
  const config = jsonDocument(OCI_CONFIG, {});
  const content = documentOf(OCI_LAYER_GZIP, Buffer.from(text));
  for (const one of [config, content]) await store.put(blobOf(one));
  const link = ({ descriptor: { mediaType, digest, size } }: Document) => ({ mediaType, digest, size });
  const members = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: link(config), layers: [link(content)] };
  await store.write(jsonDocument(OCI_MANIFEST, members), { tag: INDEX_TAG });
}

const lib = buildPackage("lib");
const app = buildPackage("app", { dependencies: [lib] });
const tool = buildPackage("tool", { dependencies: [lib] });
const changed = (name: string, options: TestPackageOptions = {}): TestPackage =>
  buildPackage(name, { ...options, comment: "again" });

describe("updateIndex", () => {
  it("makes the index of a cache that has none, and what is only depended on is no package of the cache", async () => {
    const store = await storeOf(app, tool);
    const result = await update(store);
    expect(result).toMatchObject({
      changed: true,
      index: { packages: 2 },
      totals: { tags: 2, read: 2, added: 2, skipped: 0 },
    });
    expect(await namesIn(store)).toBe("app tool/lib");
    const { index } = await readIndex(store);
    expect(index.installs.get(lib.hash)?.refCount).toBe(2);
    expect(index.installs.get(app.hash)?.json.text).toContain(`{"spec":${app.nodes[0]},`);
  });

  it("reads only what is new, or leads to another manifest than before, and remembers it", async () => {
    const store = await storeOf(app, lib);
    await update(store);
    store.forget();
    expect(await update(store)).toMatchObject({ changed: false, totals: { read: 0, added: 0, removed: 0 } });
    expect(store.writes).toBe(0);
    await putPackage(store, tool);
    await putPackage(store, changed("lib"));
    store.forget();
    expect(await update(store)).toMatchObject({
      changed: true,
      added: [{ hash: tool.hash, tag: tool.tag }],
      totals: { read: 2 },
    });
    expect(store.reads.sort()).toEqual([lib.tag, tool.tag]);
    expect([...(await seenIn(store)).tags.keys()].sort()).toEqual([app.tag, lib.tag, tool.tag]);
  });

  it("trusts an index that others wrote, and remembers its manifests from then on", async () => {
    const store = await storeOf(app, lib);
    await update(store);
    await putIndexText(store, formatCacheIndex((await readIndex(store)).index));
    store.forget();
    expect(await update(store)).toMatchObject({ totals: { read: 0 } });
    expect((await seenIn(store)).tags.size).toBe(2);
  });

  it("takes out what has no tag any more", async () => {
    const store = await storeOf(app, lib, tool);
    await update(store);
    await store.delete(lib.tag);
    await store.delete(tool.tag);
    expect(await update(store)).toMatchObject({ totals: { removed: 2, read: 0 } });
    expect(await namesIn(store)).toBe("app/lib");
    expect([...(await seenIn(store)).tags.keys()]).toEqual([app.tag]);
    await store.delete(app.tag);
    await update(store);
    expect(await namesIn(store)).toBe("/");
  });

  it("reports and skips broken and foreign tags, and takes out a package that became one", async () => {
    const store = await storeOf(app, tool);
    await update(store);
    await putForeign(store, app.tag);
    await putForeign(store, "what.spack");
    await putForeign(store, "greetings");
    const moved = buildPackage("moved");
    await putPackage(store, { ...lib, tag: moved.tag });
    const result = await update(store);
    expect(result.skipped.map(({ tag, code }) => `${code} ${tag}`).sort()).toEqual(
      [`DAG_HASH_MISMATCH ${moved.tag}`, "SPEC_INVALID what.spack", `SPEC_INVALID ${app.tag}`].sort(),
    );
    expect(result.removed).toEqual([{ hash: app.hash, tag: app.tag }]);
    expect(await namesIn(store)).toBe("tool/lib");
    expect((await update(store)).skipped).toHaveLength(3);
  });

  it("writes nothing in a dry run", async () => {
    const store = await storeOf(app, tool);
    await update(store);
    await store.delete(tool.tag);
    await putPackage(store, lib);
    store.forget();
    const result = await update(store, { dryRun: true });
    expect(result).toMatchObject({
      dryRun: true,
      changed: false,
      added: [{ hash: lib.hash }],
      removed: [{ hash: tool.hash }],
      totals: { read: 0 },
    });
    expect([store.writes, store.reads.length]).toEqual([0, 0]);
    expect(await namesIn(store)).toBe("app tool/lib");
  });

  it("does nothing to an empty cache", async () => {
    const store = await storeOf();
    expect(await update(store, { full: true })).toMatchObject({
      changed: false,
      index: undefined,
      totals: { tags: 0 },
    });
    expect(store.writes).toBe(0);
  });
});

describe("updateIndex with full", () => {
  it("replaces wrong records, takes out strange ones, and keeps members that it doesn't know", async () => {
    const store = await storeOf(app, lib);
    const damaged = app.nodes[0]?.replace('"1.0"', '"6.6"');
    const installs = [
      `"${app.hash}":{"spec":${damaged},"ref_count":7,"in_buildcache":true,"mine":1.0}`,
      `"${tool.hash}":{"spec":${tool.nodes[0]},"ref_count":0,"in_buildcache":true}`,
      '"aaaaaaa":["what"]',
    ];
    await putIndexText(store, `{"database":{"version":"8","installs":{${installs.join(",")}},"more":1.50}}`);
    expect(await update(store)).toMatchObject({ totals: { read: 1, removed: 1 } });
    expect((await readIndex(store)).index.installs.get(app.hash)?.json.text).toContain("6.6");
    expect(await update(store, { full: true })).toMatchObject({ full: true, changed: true, totals: { read: 2 } });
    const { index } = await readIndex(store);
    expect(index.installs.get(app.hash)?.json.text).toBe(
      `{"spec":${app.nodes[0]},"ref_count":0,"in_buildcache":true,"mine":1.0}`,
    );
    expect([...index.installs.keys()].sort()).toEqual([app.hash, lib.hash].sort());
    expect(index.otherMembers.get("more")).toBe("1.50");
    store.forget();
    expect(await update(store, { full: true })).toMatchObject({ changed: false, totals: { read: 2 } });
    expect(store.writes).toBe(0);
  });

  it("writes over an index that can't be read, which is an error otherwise", async () => {
    const store = await storeOf(app);
    await putIndexText(store, "<html>");
    await expect(update(store)).rejects.toMatchObject({
      code: "DOCUMENT_INVALID",
      hint: expect.stringContaining("spkoci update-index --full"),
    });
    await update(store, { full: true });
    expect(await namesIn(store)).toBe("app/lib");
  });
});

describe("a stopped updateIndex", () => {
  const packages = Array.from({ length: 30 }, (_, at) => buildPackage(`p${at}`, { dependencies: [lib] }));

  /** Stops a run when so many packages were read. */
  async function stopAfter(store: CountingStore, count: number, options: Partial<UpdateIndexOptions>): Promise<void> {
    const stop = new AbortController();
    store.forget();
    store.onRead = () => store.reads.length > count && stop.abort(new Error("killed"));
    await expect(update(store, { checkpoint: 4, jobs: 1, ...options }, { signal: stop.signal })).rejects.toThrow(
      "killed",
    );
    store.onRead = () => {};
    store.forget();
  }

  it("is gone on with by the next", async () => {
    const store = await storeOf(...packages);
    await stopAfter(store, 12, {});
    expect(await update(store)).toMatchObject({ totals: { tags: 30, read: 18 }, index: { packages: 30 } });
  });

  it("is gone on with when it was a rebuild, whatever the next one is", async () => {
    const store = await storeOf(...packages);
    await update(store);
    await stopAfter(store, 12, { full: true, checkpoint: 4 });
    expect((await readIndex(store)).index.installs.size).toBe(31);
    expect((await seenIn(store)).rebuilding).toBe(true);
    expect(await update(store)).toMatchObject({ full: true, totals: { read: 18 }, index: { packages: 30 } });
    expect((await seenIn(store)).rebuilding).toBe(false);
    expect(await update(store, { full: true })).toMatchObject({ totals: { read: 30 } });
  });

  it("is carried over by pushes in between", async () => {
    const store = await storeOf(...packages);
    await stopAfter(store, 12, {});
    await putPackage(store, app);
    const { nodes } = parseSpecFile(Buffer.from(app.config.bytes).toString(), app.tag);
    await changeIndex(store, {
      add: [...nodes.values()].map((spec) => ({ spec, inBuildcache: spec.hash === app.hash })),
    });
    const layers = parseManifest((await store.read(INDEX_TAG)) ?? expect.unreachable(), "index").layers;
    expect(layers.map(({ mediaType }) => mediaType)).toEqual([OCI_LAYER_GZIP, SEEN_TAGS]);
    expect(await update(store)).toMatchObject({ totals: { tags: 31, read: 18 } });
  });
});
