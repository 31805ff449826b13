import { readdir } from "node:fs/promises";
import {
  allWith,
  CopyScene,
  copyOutcomes,
  type FaultHook,
  fixturePath,
  indexedIn,
  SMALL_CACHE,
  SMALL_NAMES,
  tagsOf,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { parseManifest } from "../oci/manifest.js";
import type { Store } from "../oci/store.js";
import { INDEX_TAG } from "../spack/tag.js";
import { openArchive } from "../store/archive.js";
import { openLayout } from "../store/layout.js";
import { copy } from "./copy.js";

const scene = new CopyScene();
const { path, place, start, storeAt, run } = scene;

async function namedIn(store: Store): Promise<string[]> {
  return (await indexedIn(store)).map(({ name }) => name).sort();
}

/** Package tags to digests. */
async function packagesOf(store: Store): Promise<Record<string, string | undefined>> {
  const tags = (await tagsOf(store)).filter((tag) => tag !== INDEX_TAG);
  return Object.fromEntries(await Promise.all(tags.map(async (tag) => [tag, (await store.resolve(tag))?.digest])));
}

describe("a copy that fails", () => {
  it("in the middle of one package leaves the others whole, and the next goes on", async () => {
    const host = await start();
    const libgreet = await layerOf("libgreet-");
    const faults: FaultHook = ({ method, query }) =>
      method === "PUT" && query.get("digest") === libgreet.digest ? { status: 403 } : undefined;
    if (scene.registry) scene.registry.faults = faults;
    const first = await run({ target: `${host}/org/cache` });
    expect(copyOutcomes(first)).toEqual({
      "gcc-runtime": "copied",
      libgreet: "failed",
      greeter: "failed",
      "greet-plugin": "failed",
      "greet-build-tool": "copied",
    });
    const store = storeAt(host);
    expect(await namedIn(store)).toEqual(["gcc-runtime", "greet-build-tool"]);
    expect(Object.keys(await packagesOf(store))).toHaveLength(2);
    if (scene.registry) scene.registry.faults = undefined;
    scene.registry?.clearRequests();
    const second = await run({ target: `${host}/org/cache` });
    expect(copyOutcomes(second)).toEqual({
      ...allWith("copied"),
      ...allWith("skipped", ["gcc-runtime", "greet-build-tool"]),
    });
    const sent = scene.registry?.requestsOf("PUT", /\/blobs\/uploads\//).map(({ query }) => query.get("digest")) ?? [];
    expect(sent).toContain(libgreet.digest);
    expect(sent).not.toContain((await layerOf("gcc-runtime-")).digest);
    expect(await namedIn(store)).toEqual(SMALL_NAMES.toSorted());
  });

  it("before its index was written is named in it by the next", async () => {
    await run({ target: place("target"), updateIndex: false });
    const copied = await run({ target: place("target") });
    expect(copyOutcomes(copied)).toEqual(allWith("skipped"));
    expect(copied.index?.packages).toBe(5);
    expect(await namedIn(await openLayout(path("target")))).toEqual(SMALL_NAMES.toSorted());
  });

  it("because the registry lost a blob sends that once more", async () => {
    const host = await start();
    const { digest } = await layerOf("gcc-runtime-");
    const faults: FaultHook = ({ method, path: at, count }) => {
      if (method !== "PUT" || !at.includes("/manifests/gcc-runtime-") || count > 1) return undefined;
      scene.registry?.repository("org/cache").blobs.delete(digest);
      return undefined;
    };
    if (scene.registry) scene.registry.faults = faults;
    expect(copyOutcomes(await run({ target: `${host}/org/cache`, queries: ["gcc-runtime"] }))).toEqual({
      "gcc-runtime": "copied",
    });
    expect(scene.registry?.repository("org/cache").blobs.has(digest)).toBe(true);
  });

  it("for a damaged blob at the source writes no tag", async () => {
    const host = await start();
    await run({ target: `${host}/org/cache` });
    const { digest } = await layerOf("libgreet-");
    if (scene.registry)
      scene.registry.faults = ({ method, path: at }) =>
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
    if (scene.registry)
      scene.registry.faults = ({ method, path: at }) =>
        method === "GET" && at.endsWith(digest) ? { corrupt: true } : undefined;
    const copying = run({ source: `${host}/org/cache`, target: `oci-archive:${path("a.tar")}` });
    await expect(copying).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(await namedIn(await openArchive(path("a.tar")))).toEqual(["gcc-runtime"]);
    expect(await readdir(scene.folder)).toEqual(["a.tar"]);
  });

  it("by an abort rejects with its reason", async () => {
    const stop = new AbortController();
    const emit = (event: SpkociEvent): void => {
      if (event.type === "package-finished") stop.abort(new Error("enough"));
    };
    const copying = copy({ source: SMALL_CACHE, target: place("target"), jobs: 1 }, { signal: stop.signal, emit });
    await expect(copying).rejects.toThrow("enough");
    const store = await openLayout(path("target"));
    expect(Object.keys(await packagesOf(store))).toHaveLength(1);
    expect(copyOutcomes(await run({ target: place("target") }))).toEqual({
      ...allWith("copied"),
      "gcc-runtime": "skipped",
    });
  });

  async function layerOf(start: string): Promise<Descriptor> {
    const store = await openLayout(fixturePath("small/cache"));
    const tag = (await tagsOf(store)).find((each) => each.startsWith(start)) ?? "";
    return parseManifest((await store.read(tag)) as Document, tag).layers.at(-1) as Descriptor;
  }
});
