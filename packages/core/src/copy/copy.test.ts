import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  buildImage,
  buildIndex,
  createTemporaryFolder,
  type FakeRegistry,
  type FakeRegistryOptions,
  type FaultHook,
  fixturePath,
  startFakeRegistry,
  type TemporaryFolder,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hexOf } from "../base/digest.js";
import type { SpkociEvent } from "../base/events.js";
import { readIndex } from "../catalog/read-index.js";
import type { Descriptor } from "../oci/descriptor.js";
import { type Document, jsonDocument } from "../oci/document.js";
import { parseManifest } from "../oci/manifest.js";
import { OCI_INDEX, OCI_MANIFEST } from "../oci/media-type.js";
import { blobOf, type Store } from "../oci/store.js";
import type { RegistryAccess } from "../registry/access.js";
import { openRegistry } from "../registry/open-registry.js";
import { INDEX_TAG } from "../spack/tag.js";
import { openArchive } from "../store/archive.js";
import { openLayout } from "../store/layout.js";
import { copy, planCopy } from "./copy.js";
import type { CopyOptions } from "./options.js";
import type { CopyResult } from "./result.js";

const CACHE = `oci:${fixturePath("small/cache")}`;
const NAMES = ["gcc-runtime", "libgreet", "greeter", "greet-plugin", "greet-build-tool"];
const GREETER = ["gcc-runtime", "libgreet", "greeter"];

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

const path = (name: string): string => join(folder.path, name);
const place = (name: string): string => `oci:${path(name)}`;
const ACCESS: RegistryAccess = { retry: { attempts: 3, baseMs: 1, maxMs: 2 } };

async function start(options: FakeRegistryOptions = {}): Promise<string> {
  registry = await startFakeRegistry(options);
  return registry.host;
}

function storeAt(host: string, repository = "org/cache"): Store {
  return openRegistry({ registry: host, repository }, ACCESS);
}

async function tagsOf(store: Store): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of store.tags()) tags.push(tag);
  return tags.sort();
}

/** Package tags to digests. */
async function packagesOf(store: Store): Promise<Record<string, string | undefined>> {
  const tags = (await tagsOf(store)).filter((tag) => tag !== INDEX_TAG);
  return Object.fromEntries(await Promise.all(tags.map(async (tag) => [tag, (await store.resolve(tag))?.digest])));
}

async function namedIn(store: Store): Promise<string[]> {
  const { index } = await readIndex(store);
  const names = [...index.installs.values()].filter(({ inBuildcache }) => inBuildcache);
  return names.map(({ json }) => JSON.parse(json.text).spec.name as string).sort();
}

function run(
  options: Partial<CopyOptions> & Pick<CopyOptions, "target">,
  events: SpkociEvent[] = [],
): Promise<CopyResult> {
  return copy({ source: CACHE, access: ACCESS, ...options }, { emit: (event) => events.push(event) });
}

const outcomes = ({ packages, images }: CopyResult): Record<string, string> =>
  Object.fromEntries([
    ...packages.map(({ name, outcome }) => [name, outcome]),
    ...images.map(({ tag, outcome }) => [tag, outcome]),
  ]);

const all = (outcome: string, names = NAMES): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, outcome]));

describe("a whole cache", () => {
  it("keeps its digests from folder to registry to archive to folder, and is named in each index", async () => {
    const host = await start();
    const places = [CACHE, `oci+http://${host}/org/cache`, `oci-archive:${path("cache.tar")}`, place("back")];
    for (const [at, target] of places.slice(1).entries()) {
      expect(outcomes(await run({ source: places[at] as string, target }))).toEqual(all("copied"));
    }
    const stores = [
      await openLayout(fixturePath("small/cache")),
      storeAt(host),
      await openArchive(path("cache.tar")),
      await openLayout(path("back")),
    ];
    const [original, ...copies] = await Promise.all(stores.map(packagesOf));
    for (const one of copies) expect(one).toEqual(original);
    for (const store of stores) expect(await namedIn(store)).toEqual(NAMES.toSorted());
  });

  it("sends each blob once, and nothing the second time", async () => {
    const host = await start();
    const first = await run({ target: `${host}/org/cache` });
    const puts = registry?.requestsOf("PUT", /\/blobs\/uploads\//).map(({ query }) => query.get("digest"));
    expect(new Set(puts).size).toBe(puts?.length);
    expect(first.totals.bytesSent).toBeGreaterThan(100_000);
    registry?.clearRequests();
    const second = await run({ target: `${host}/org/cache` });
    expect(outcomes(second)).toEqual(all("skipped"));
    expect(second.totals).toMatchObject({ copied: 0, skipped: 5, bytesSent: 0 });
    expect(registry?.requests.filter(({ method }) => method !== "GET" && method !== "HEAD")).toEqual([]);
  });

  it("is merged into what the target has", async () => {
    await run({ target: place("target"), queries: ["libgreet"] });
    const before = await packagesOf(await openLayout(path("target")));
    expect(outcomes(await run({ target: place("target"), queries: ["greet-plugin"] }))).toEqual({
      ...all("skipped", ["gcc-runtime", "libgreet"]),
      ...all("copied", ["greeter", "greet-plugin"]),
    });
    const store = await openLayout(path("target"));
    expect(await packagesOf(store)).toMatchObject(before);
    expect(await namedIn(store)).toEqual(["gcc-runtime", "greet-plugin", "greeter", "libgreet"]);
  });

  it("without an index is copied by its tags, and has an index then", async () => {
    await run({ target: place("bare"), updateIndex: false });
    expect((await readIndex(await openLayout(path("bare")))).digest).toBeUndefined();
    expect(outcomes(await run({ source: place("bare"), target: place("target") }))).toEqual(all("copied"));
    expect(await namedIn(await openLayout(path("target")))).toEqual(NAMES.toSorted());
  });

  it("is copied with packages that its index doesn't name", async () => {
    await run({ target: place("half"), queries: ["libgreet"] });
    await run({ target: place("half"), updateIndex: false });
    expect(await namedIn(await openLayout(path("half")))).toEqual(["gcc-runtime", "libgreet"]);
    expect(outcomes(await run({ source: place("half"), target: place("target") }))).toEqual(all("copied"));
    expect(await namedIn(await openLayout(path("target")))).toEqual(NAMES.toSorted());
  });

  it("gives the same archive from two sources", async () => {
    const host = await start();
    await run({ target: `${host}/org/cache` });
    await run({ target: `oci-archive:${path("a.tar")}`, jobs: 1 });
    await run({ source: `${host}/org/cache`, target: `oci-archive:${path("b.tar")}`, jobs: 7 });
    const [a, b] = await Promise.all(["a.tar", "b.tar"].map((name) => openArchive(path(name))));
    expect(await packagesOf(a as Store)).toEqual(await packagesOf(b as Store));
    expect((await a?.resolve(INDEX_TAG))?.digest).toBe((await b?.resolve(INDEX_TAG))?.digest);
  });
});

describe("packages that are asked for", () => {
  it("come with what they need to run", async () => {
    expect(outcomes(await run({ target: place("target"), queries: ["greeter@2:"] }))).toEqual(all("copied", GREETER));
    expect(await namedIn(await openLayout(path("target")))).toEqual(GREETER.toSorted());
  });

  it("come alone without dependencies", async () => {
    expect(outcomes(await run({ target: place("target"), queries: ["greeter"], noDeps: true }))).toEqual({
      greeter: "copied",
    });
  });

  it("but aren't there are an error, and nothing is made", async () => {
    const copying = run({ target: place("target"), queries: ["greter"] });
    await expect(copying).rejects.toMatchObject({ code: "SPEC_NOT_FOUND", hint: expect.stringContaining("greeter") });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("but whose image is gone fail; others are copied, and what needs them only warns", async () => {
    await run({ target: place("source") });
    const source = await openLayout(path("source"));
    const tag = (await tagsOf(source)).find((each) => each.startsWith("libgreet-")) ?? "";
    await source.delete(tag);
    const events: SpkociEvent[] = [];
    const copied = await run({ source: place("source"), target: place("a"), queries: ["libgreet", "greeter"] }, events);
    expect(outcomes(copied)).toEqual({ "gcc-runtime": "copied", libgreet: "failed", greeter: "failed" });
    expect(copied.packages.map(({ error }) => error?.code)).toEqual([
      undefined,
      "IMAGE_NOT_FOUND",
      "DEPENDENCY_FAILED",
    ]);
    const lenient = await run({ source: place("source"), target: place("b"), queries: ["greeter"] }, events);
    expect(outcomes(lenient)).toEqual({ "gcc-runtime": "copied", libgreet: "missing", greeter: "copied" });
    expect(events).toContainEqual(
      expect.objectContaining({ type: "warning", message: expect.stringContaining("libgreet@1.0") }),
    );
    expect(await namedIn(await openLayout(path("b")))).toEqual(["gcc-runtime", "greeter"]);
  });

  it("whose spec doesn't have its hash are not copied", async () => {
    await run({ target: place("source") });
    const source = await openLayout(path("source"));
    const [greeter, plugin] = ["greeter-", "greet-plugin-"].map(
      async (start) => (await tagsOf(source)).find((each) => each.startsWith(start)) ?? "",
    );
    await source.write((await source.read((await plugin) ?? "")) as Document, { tag: (await greeter) ?? "" });
    const copied = await run({ source: place("source"), target: place("target"), queries: ["greeter"] });
    expect(outcomes(copied)).toEqual({ "gcc-runtime": "copied", libgreet: "copied", greeter: "failed" });
    expect(copied.packages.at(-1)?.error?.code).toBe("DAG_HASH_MISMATCH");
    expect(await namedIn(await openLayout(path("target")))).toEqual(["gcc-runtime", "libgreet"]);
  });
});

describe("images under other tags", () => {
  async function sourceWithImages(): Promise<Store> {
    await run({ target: place("source"), queries: ["libgreet"] });
    const source = await openLayout(path("source"));
    const { index, images } = buildIndex("multi", ["linux/amd64", "linux/arm64"], { attestations: true });
    for (const { blobs, manifest } of images) {
      for (const blob of blobs) await source.put(blob);
      await source.write(manifest);
    }
    const members = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [linkOf(index.descriptor)] };
    await source.write(index);
    await source.write(jsonDocument(OCI_INDEX, members), { tag: "tools" });
    const single = buildImage("single");
    for (const blob of single.blobs) await source.put(blob);
    await source.write(single.manifest, { tag: "single" });
    return source;
  }

  it("are left where they are unless they are named", async () => {
    await sourceWithImages();
    expect(outcomes(await run({ source: place("source"), target: place("target") }))).toEqual(
      all("copied", ["gcc-runtime", "libgreet"]),
    );
  });

  it("come with all their platforms and indexes within indexes", async () => {
    const source = await sourceWithImages();
    const host = await start();
    const target = `${host}/org/cache`;
    expect(outcomes(await run({ source: place("source"), target, tags: ["tools"] }))).toMatchObject({
      tools: "copied",
    });
    const store = storeAt(host);
    expect(await store.resolve("tools")).toEqual(await source.resolve("tools"));
    expect(await store.resolve("single")).toBeUndefined();
    expect(outcomes(await run({ source: place("source"), target, allTags: true }))).toEqual({
      ...all("skipped", ["gcc-runtime", "libgreet", "tools"]),
      single: "copied",
    });
  });

  it("that are moved at the source are moved at the target", async () => {
    const source = await sourceWithImages();
    await run({ source: place("source"), target: place("target"), tags: ["single"] });
    const other = buildImage("other");
    for (const blob of other.blobs) await source.put(blob);
    await source.write(other.manifest, { tag: "single" });
    expect(await planCopy({ source: place("source"), target: place("target"), tags: ["single"] })).toMatchObject({
      images: [{ tag: "single", action: "replace" }],
    });
    await run({ source: place("source"), target: place("target"), tags: ["single"] });
    expect(await (await openLayout(path("target"))).resolve("single")).toEqual(other.manifest.descriptor);
  });

  it("that lack a part fail, and get no tag", async () => {
    const source = await sourceWithImages();
    const { config } = buildImage("single");
    await rm(join(path("source"), "blobs/sha256", hexOf(config.descriptor.digest)));
    expect((await source.resolve("single"))?.digest).toBeDefined();
    const copied = await run({ source: place("source"), target: place("target"), tags: ["single", "tools"] });
    expect(copied.images.map(({ outcome, error }) => error?.code ?? outcome)).toEqual(["BLOB_NOT_FOUND", "copied"]);
    expect(await (await openLayout(path("target"))).resolve("single")).toBeUndefined();
  });

  it("that aren't there are told of before anything is sent", async () => {
    await expect(run({ target: place("target"), tags: ["nothere"] })).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
    });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it.each(["zlib-1.3-abcdefgh.spack", "index.spack", `sha256-${"0".repeat(64)}`, "a b", "../x"])(
    "can't be named %s",
    async (tag) => {
      await expect(run({ target: place("target"), tags: [tag] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(await readdir(folder.path)).toEqual([]);
    },
  );

  it("of which a layer must not be distributed come without it, if it says where it is to be had", async () => {
    await run({ target: place("source"), queries: ["gcc-runtime"] });
    const source = await openLayout(path("source"));
    const image = buildImage("foreign");
    const foreign = buildImage("absent").layers[0]?.descriptor as Descriptor;
    for (const blob of image.blobs) await source.put(blob);
    const { config, layers } = parseManifest(image.manifest, "");
    const layer = {
      ...linkOf(foreign),
      mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      urls: ["https://a/b"],
    };
    const members = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: linkOf(config),
      layers: [layer, ...layers.map(linkOf)],
    };
    await source.write(jsonDocument(OCI_MANIFEST, members), { tag: "win" });
    const copied = await run({ source: place("source"), target: place("target"), tags: ["win"] });
    expect(outcomes(copied)).toMatchObject({ win: "copied" });
    expect(await (await openLayout(path("target"))).has(foreign)).toBe(false);
  });
});

describe("what refers to images", () => {
  const EMPTY = jsonDocument("application/vnd.oci.empty.v1+json", {});

  function noteOf(subject: Descriptor, text: string): Document {
    return jsonDocument(OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: "application/vnd.example.note",
      config: linkOf(EMPTY.descriptor),
      layers: [linkOf(EMPTY.descriptor)],
      subject: linkOf(subject),
      annotations: { text },
    });
  }

  /** The cache, in which the greeter has a note, and that a note of its own. */
  async function notedSource(): Promise<{
    readonly store: Store;
    readonly greeter: Descriptor;
    readonly notes: Document[];
  }> {
    await run({ target: place("source"), queries: ["greeter"] });
    const store = await openLayout(path("source"));
    const tag = (await tagsOf(store)).find((each) => each.startsWith("greeter-")) ?? "";
    const greeter = (await store.resolve(tag)) as Descriptor;
    await store.put(blobOf(EMPTY));
    const note = noteOf(greeter, "signed");
    const notes = [note, noteOf(note.descriptor, "countersigned")];
    for (const each of notes) await store.write(each);
    return { store, greeter, notes };
  }

  it.each([
    ["a registry with the API", {}],
    ["a registry without it", { referrers: false }],
  ])("comes along, with what refers to that, to %s and back to a folder", async (_what, options) => {
    const { greeter, notes } = await notedSource();
    const host = await start(options);
    expect((await run({ source: place("source"), target: `${host}/org/cache` })).totals).toMatchObject({
      referrers: 2,
    });
    expect((await run({ source: `${host}/org/cache`, target: place("back") })).totals).toMatchObject({ referrers: 2 });
    for (const store of [storeAt(host), await openLayout(path("back"))]) {
      const [first, ...others] = await store.referrers(greeter.digest);
      expect(others).toEqual([]);
      expect(first).toMatchObject({ digest: notes[0]?.descriptor.digest, annotations: { text: "signed" } });
      expect((await store.referrers(first?.digest as never)).map(({ digest }) => digest)).toEqual([
        notes[1]?.descriptor.digest,
      ]);
    }
  });

  it("comes along where the image is there already", async () => {
    await run({ target: place("target"), queries: ["greeter"] });
    const { greeter } = await notedSource();
    const copied = await run({ source: place("source"), target: place("target") });
    expect(outcomes(copied)).toEqual(all("skipped", GREETER));
    expect(copied.totals.referrers).toBe(2);
    expect(await (await openLayout(path("target"))).referrers(greeter.digest)).toHaveLength(1);
    expect((await run({ source: place("source"), target: place("target") })).totals.referrers).toBe(0);
  });

  it("is there before the tag is", async () => {
    const { greeter, notes } = await notedSource();
    const host = await start();
    await run({ source: place("source"), target: `${host}/org/cache` });
    const puts = registry?.requestsOf("PUT", /\/manifests\//).map(({ path }) => path.replace(/.*\//, "")) ?? [];
    const note = puts.indexOf(notes[0]?.descriptor.digest ?? "");
    const tag = puts.findIndex((reference) => reference.startsWith("greeter-"));
    expect(puts.indexOf(greeter.digest)).toBeGreaterThanOrEqual(0);
    expect(puts.indexOf(greeter.digest)).toBeLessThan(note);
    expect(note).toBeLessThan(tag);
  });

  it("is left out with a warning where it is something else than a registry says", async () => {
    const host = await start();
    await run({ target: `${host}/a`, queries: ["gcc-runtime"] });
    const stranger = buildImage("stranger").manifest.descriptor;
    const faults: FaultHook = ({ path: at }) =>
      at.includes("/a/referrers/")
        ? {
            status: 200,
            headers: { "content-type": OCI_INDEX },
            body: { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [stranger] },
          }
        : undefined;
    if (registry) registry.faults = faults;
    const events: SpkociEvent[] = [];
    const copied = await run({ source: `${host}/a`, target: place("target") }, events);
    expect(copied.totals).toMatchObject({ copied: 1, referrers: 0 });
    expect(events).toContainEqual(
      expect.objectContaining({ type: "warning", message: expect.stringContaining(stranger.digest) }),
    );
  });
});

describe("within one registry", () => {
  it("blobs are mounted and not sent", async () => {
    const host = await start();
    await run({ target: `${host}/a` });
    registry?.clearRequests();
    const copied = await run({ source: `${host}/a`, target: `${host}/b` });
    expect(outcomes(copied)).toEqual(all("copied"));
    expect(copied.totals.bytesSent).toBe(0);
    const sent = registry?.requestsOf("PUT", /\/b\/blobs\/uploads\//) ?? [];
    expect(sent.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0)).toBeLessThan(60_000);
    expect(await packagesOf(storeAt(host, "b"))).toEqual(await packagesOf(storeAt(host, "a")));
  });

  it("that doesn't mount, blobs are sent", async () => {
    const host = await start({ mounts: false });
    await run({ target: `${host}/a` });
    const copied = await run({ source: `${host}/a`, target: `${host}/b` });
    expect(outcomes(copied)).toEqual(all("copied"));
    expect(copied.totals.bytesSent).toBeGreaterThan(100_000);
  });
});

describe("a copy that fails", () => {
  it("in the middle of one package leaves the others whole, and the next goes on", async () => {
    const host = await start();
    const libgreet = await layerOf("libgreet-");
    const faults: FaultHook = ({ method, query }) =>
      method === "PUT" && query.get("digest") === libgreet.digest ? { status: 403 } : undefined;
    if (registry) registry.faults = faults;
    const first = await run({ target: `${host}/org/cache` });
    expect(outcomes(first)).toEqual({
      "gcc-runtime": "copied",
      libgreet: "failed",
      greeter: "failed",
      "greet-plugin": "failed",
      "greet-build-tool": "copied",
    });
    const store = storeAt(host);
    expect(await namedIn(store)).toEqual(["gcc-runtime", "greet-build-tool"]);
    expect(Object.keys(await packagesOf(store))).toHaveLength(2);
    if (registry) registry.faults = undefined;
    registry?.clearRequests();
    const second = await run({ target: `${host}/org/cache` });
    expect(outcomes(second)).toEqual({ ...all("copied"), ...all("skipped", ["gcc-runtime", "greet-build-tool"]) });
    const sent = registry?.requestsOf("PUT", /\/blobs\/uploads\//).map(({ query }) => query.get("digest")) ?? [];
    expect(sent).toContain(libgreet.digest);
    expect(sent).not.toContain((await layerOf("gcc-runtime-")).digest);
    expect(await namedIn(store)).toEqual(NAMES.toSorted());
  });

  it("before its index was written is named in it by the next", async () => {
    await run({ target: place("target"), updateIndex: false });
    const copied = await run({ target: place("target") });
    expect(outcomes(copied)).toEqual(all("skipped"));
    expect(copied.index?.packages).toBe(5);
    expect(await namedIn(await openLayout(path("target")))).toEqual(NAMES.toSorted());
  });

  it("because the registry lost a blob sends that once more", async () => {
    const host = await start();
    const { digest } = await layerOf("gcc-runtime-");
    const faults: FaultHook = ({ method, path: at, count }) => {
      if (method !== "PUT" || !at.includes("/manifests/gcc-runtime-") || count > 1) return undefined;
      registry?.repository("org/cache").blobs.delete(digest);
      return undefined;
    };
    if (registry) registry.faults = faults;
    expect(outcomes(await run({ target: `${host}/org/cache`, queries: ["gcc-runtime"] }))).toEqual({
      "gcc-runtime": "copied",
    });
    expect(registry?.repository("org/cache").blobs.has(digest)).toBe(true);
  });

  it("for a damaged blob at the source writes no tag", async () => {
    const host = await start();
    await run({ target: `${host}/org/cache` });
    const { digest } = await layerOf("libgreet-");
    if (registry)
      registry.faults = ({ method, path: at }) =>
        method === "GET" && at.endsWith(digest) ? { corrupt: true } : undefined;
    const copied = await run({ source: `${host}/org/cache`, target: place("target"), queries: ["libgreet"] });
    expect(copied.packages.map(({ error }) => error?.code)).toEqual([undefined, "DIGEST_MISMATCH"]);
    expect(Object.keys(await packagesOf(await openLayout(path("target"))))).toHaveLength(1);
  });

  it("to an archive leaves the file as it was", async () => {
    await run({ target: `oci-archive:${path("a.tar")}`, queries: ["gcc-runtime"] });
    const host = await start();
    await run({ target: `${host}/org/cache` });
    const { digest } = await layerOf("libgreet-");
    if (registry)
      registry.faults = ({ method, path: at }) =>
        method === "GET" && at.endsWith(digest) ? { corrupt: true } : undefined;
    const copying = run({ source: `${host}/org/cache`, target: `oci-archive:${path("a.tar")}` });
    await expect(copying).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(await namedIn(await openArchive(path("a.tar")))).toEqual(["gcc-runtime"]);
    expect(await readdir(folder.path)).toEqual(["a.tar"]);
  });

  it("by an abort rejects with its reason", async () => {
    const stop = new AbortController();
    const emit = (event: SpkociEvent): void => {
      if (event.type === "package-finished") stop.abort(new Error("enough"));
    };
    const copying = copy({ source: CACHE, target: place("target"), jobs: 1 }, { signal: stop.signal, emit });
    await expect(copying).rejects.toThrow("enough");
    const store = await openLayout(path("target"));
    expect(Object.keys(await packagesOf(store))).toHaveLength(1);
    expect(outcomes(await run({ target: place("target") }))).toEqual({ ...all("copied"), "gcc-runtime": "skipped" });
  });

  async function layerOf(start: string): Promise<Descriptor> {
    const store = await openLayout(fixturePath("small/cache"));
    const tag = (await tagsOf(store)).find((each) => each.startsWith(start)) ?? "";
    return parseManifest((await store.read(tag)) as Document, tag).layers.at(-1) as Descriptor;
  }
});

describe("planCopy", () => {
  it("tells what would be sent, each blob once, and makes nothing", async () => {
    const target = place("target");
    const plan = await planCopy({ source: CACHE, target, queries: ["greeter"] });
    expect(await readdir(folder.path)).toEqual([]);
    expect(plan.packages.map(({ name, action }) => `${action} ${name}`)).toEqual(GREETER.map((name) => `copy ${name}`));
    const copied = await run({ target, queries: ["greeter"], jobs: 1 });
    expect(plan.bytes).toBe(copied.totals.bytesSent);
    expect(plan.packages.map(({ bytes }) => bytes)).toEqual(copied.packages.map(({ bytesSent }) => bytesSent));
    const again = await planCopy({ source: CACHE, target, queries: ["greet-plugin"] });
    expect(again.packages.map(({ action, bytes }) => [action, bytes > 0])).toEqual([
      ["skip", false],
      ["skip", false],
      ["skip", false],
      ["copy", true],
    ]);
  });

  it("of an archive makes no file", async () => {
    const plan = await planCopy({ source: CACHE, target: `oci-archive:${path("deep/a.tar")}` });
    expect(plan.bytes).toBeGreaterThan(100_000);
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe("wrong places", () => {
  it.each([
    ["one place twice", { target: CACHE }, "INVALID_ARGUMENT"],
    ["a source that isn't there", { source: "oci:/nowhere/at/all" }, "IMAGE_NOT_FOUND"],
    ["an archive that isn't there", { source: "oci-archive:/nowhere/at/all.tar" }, "IMAGE_NOT_FOUND"],
    ["a query that can't be parsed", { queries: ["@@"] }, "INVALID_ARGUMENT"],
    ["a target that is a path", { target: "/tmp/x" }, "INVALID_REFERENCE"],
  ])("are refused: %s", async (_what, options, code) => {
    await expect(run({ target: place("target"), ...options })).rejects.toMatchObject({ code });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("are refused: a source without packages", async () => {
    const host = await start();
    await expect(run({ source: `${host}/none`, target: place("target") })).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      message: `${host}/none has no packages`,
    });
    expect(await readdir(folder.path)).toEqual([]);
  });
});

function linkOf({ mediaType, digest, size }: Descriptor) {
  return { mediaType, digest, size };
}
