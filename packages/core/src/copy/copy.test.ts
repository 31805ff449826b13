import { readdir } from "node:fs/promises";
import {
  allWith,
  CopyScene,
  copyOutcomes,
  fixturePath,
  GREETER_NAMES,
  indexedIn,
  SMALL_CACHE,
  SMALL_NAMES,
  tagsOf,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import { readIndex } from "../catalog/read-index.js";
import type { Document } from "../oci/document.js";
import type { Store } from "../oci/store.js";
import { INDEX_TAG } from "../spack/tag.js";
import { openArchive } from "../store/archive.js";
import { openLayout } from "../store/layout.js";
import { planCopy } from "./copy.js";

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

describe("a whole cache", () => {
  it("keeps its digests from folder to registry to archive to folder, and is named in each index", async () => {
    const host = await start();
    const places = [SMALL_CACHE, `oci+http://${host}/org/cache`, `oci-archive:${path("cache.tar")}`, place("back")];
    for (const [at, target] of places.slice(1).entries()) {
      expect(copyOutcomes(await run({ source: places[at] as string, target }))).toEqual(allWith("copied"));
    }
    const stores = [
      await openLayout(fixturePath("small/cache")),
      storeAt(host),
      await openArchive(path("cache.tar")),
      await openLayout(path("back")),
    ];
    const [original, ...copies] = await Promise.all(stores.map(packagesOf));
    for (const one of copies) expect(one).toEqual(original);
    for (const store of stores) expect(await namedIn(store)).toEqual(SMALL_NAMES.toSorted());
  });

  it("sends each blob once, and nothing the second time", async () => {
    const host = await start();
    const first = await run({ target: `${host}/org/cache` });
    const puts = scene.registry?.requestsOf("PUT", /\/blobs\/uploads\//).map(({ query }) => query.get("digest"));
    expect(new Set(puts).size).toBe(puts?.length);
    expect(first.totals.bytesSent).toBeGreaterThan(100_000);
    scene.registry?.clearRequests();
    const second = await run({ target: `${host}/org/cache` });
    expect(copyOutcomes(second)).toEqual(allWith("skipped"));
    expect(second.totals).toMatchObject({ copied: 0, skipped: 5, bytesSent: 0 });
    expect(scene.registry?.requests.filter(({ method }) => method !== "GET" && method !== "HEAD")).toEqual([]);
  });

  it("is merged into what the target has", async () => {
    await run({ target: place("target"), queries: ["libgreet"] });
    const before = await packagesOf(await openLayout(path("target")));
    expect(copyOutcomes(await run({ target: place("target"), queries: ["greet-plugin"] }))).toEqual({
      ...allWith("skipped", ["gcc-runtime", "libgreet"]),
      ...allWith("copied", ["greeter", "greet-plugin"]),
    });
    const store = await openLayout(path("target"));
    expect(await packagesOf(store)).toMatchObject(before);
    expect(await namedIn(store)).toEqual(["gcc-runtime", "greet-plugin", "greeter", "libgreet"]);
  });

  it("without an index is copied by its tags, and has an index then", async () => {
    await run({ target: place("bare"), updateIndex: false });
    expect((await readIndex(await openLayout(path("bare")))).digest).toBeUndefined();
    expect(copyOutcomes(await run({ source: place("bare"), target: place("target") }))).toEqual(allWith("copied"));
    expect(await namedIn(await openLayout(path("target")))).toEqual(SMALL_NAMES.toSorted());
  });

  it("is copied with packages that its index doesn't name", async () => {
    await run({ target: place("half"), queries: ["libgreet"] });
    await run({ target: place("half"), updateIndex: false });
    expect(await namedIn(await openLayout(path("half")))).toEqual(["gcc-runtime", "libgreet"]);
    expect(copyOutcomes(await run({ source: place("half"), target: place("target") }))).toEqual(allWith("copied"));
    expect(await namedIn(await openLayout(path("target")))).toEqual(SMALL_NAMES.toSorted());
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
    expect(copyOutcomes(await run({ target: place("target"), queries: ["greeter@2:"] }))).toEqual(
      allWith("copied", GREETER_NAMES),
    );
    expect(await namedIn(await openLayout(path("target")))).toEqual(GREETER_NAMES.toSorted());
  });

  it("come alone without dependencies", async () => {
    expect(copyOutcomes(await run({ target: place("target"), queries: ["greeter"], noDeps: true }))).toEqual({
      greeter: "copied",
    });
  });

  it("but aren't there are an error, and nothing is made", async () => {
    const copying = run({ target: place("target"), queries: ["greter"] });
    await expect(copying).rejects.toMatchObject({ code: "SPEC_NOT_FOUND", hint: expect.stringContaining("greeter") });
    expect(await readdir(scene.folder)).toEqual([]);
  });

  it("but whose image is gone fail; others are copied, and what needs them only warns", async () => {
    await run({ target: place("source") });
    const source = await openLayout(path("source"));
    const tag = (await tagsOf(source)).find((each) => each.startsWith("libgreet-")) ?? "";
    await source.delete(tag);
    const events: SpkociEvent[] = [];
    const copied = await run({ source: place("source"), target: place("a"), queries: ["libgreet", "greeter"] }, events);
    expect(copyOutcomes(copied)).toEqual({ "gcc-runtime": "copied", libgreet: "failed", greeter: "failed" });
    expect(copied.packages.map(({ error }) => error?.code)).toEqual([
      undefined,
      "IMAGE_NOT_FOUND",
      "DEPENDENCY_FAILED",
    ]);
    const lenient = await run({ source: place("source"), target: place("b"), queries: ["greeter"] }, events);
    expect(copyOutcomes(lenient)).toEqual({ "gcc-runtime": "copied", libgreet: "missing", greeter: "copied" });
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
    expect(copyOutcomes(copied)).toEqual({ "gcc-runtime": "copied", libgreet: "copied", greeter: "failed" });
    expect(copied.packages.at(-1)?.error?.code).toBe("DAG_HASH_MISMATCH");
    expect(await namedIn(await openLayout(path("target")))).toEqual(["gcc-runtime", "libgreet"]);
  });
});

describe("within one registry", () => {
  it("blobs are mounted and not sent", async () => {
    const host = await start();
    await run({ target: `${host}/a` });
    scene.registry?.clearRequests();
    const copied = await run({ source: `${host}/a`, target: `${host}/b` });
    expect(copyOutcomes(copied)).toEqual(allWith("copied"));
    expect(copied.totals.bytesSent).toBe(0);
    const sent = scene.registry?.requestsOf("PUT", /\/b\/blobs\/uploads\//) ?? [];
    expect(sent.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0)).toBeLessThan(60_000);
    expect(await packagesOf(storeAt(host, "b"))).toEqual(await packagesOf(storeAt(host, "a")));
  });

  it("that doesn't mount, blobs are sent", async () => {
    const host = await start({ mounts: false });
    await run({ target: `${host}/a` });
    const copied = await run({ source: `${host}/a`, target: `${host}/b` });
    expect(copyOutcomes(copied)).toEqual(allWith("copied"));
    expect(copied.totals.bytesSent).toBeGreaterThan(100_000);
  });
});

describe("planCopy", () => {
  it("tells what would be sent, each blob once, and makes nothing", async () => {
    const target = place("target");
    const plan = await planCopy({ source: SMALL_CACHE, target, queries: ["greeter"] });
    expect(await readdir(scene.folder)).toEqual([]);
    expect(plan.packages.map(({ name, action }) => `${action} ${name}`)).toEqual(
      GREETER_NAMES.map((name) => `copy ${name}`),
    );
    const copied = await run({ target, queries: ["greeter"], jobs: 1 });
    expect(plan.bytes).toBe(copied.totals.bytesSent);
    expect(plan.packages.map(({ bytes }) => bytes)).toEqual(copied.packages.map(({ bytesSent }) => bytesSent));
    const again = await planCopy({ source: SMALL_CACHE, target, queries: ["greet-plugin"] });
    expect(again.packages.map(({ action, bytes }) => [action, bytes > 0])).toEqual([
      ["skip", false],
      ["skip", false],
      ["skip", false],
      ["copy", true],
    ]);
  });

  it("of an archive makes no file", async () => {
    const plan = await planCopy({ source: SMALL_CACHE, target: `oci-archive:${path("deep/a.tar")}` });
    expect(plan.bytes).toBeGreaterThan(100_000);
    expect(await readdir(scene.folder)).toEqual([]);
  });
});

describe("wrong places", () => {
  it.each([
    ["one place twice", { target: SMALL_CACHE }, "INVALID_ARGUMENT"],
    ["a source that isn't there", { source: "oci:/nowhere/at/all" }, "IMAGE_NOT_FOUND"],
    ["an archive that isn't there", { source: "oci-archive:/nowhere/at/all.tar" }, "IMAGE_NOT_FOUND"],
    ["a query that can't be parsed", { queries: ["@@"] }, "INVALID_ARGUMENT"],
    ["a target that is a path", { target: "/tmp/x" }, "INVALID_REFERENCE"],
  ])("are refused: %s", async (_what, options, code) => {
    await expect(run({ target: place("target"), ...options })).rejects.toMatchObject({ code });
    expect(await readdir(scene.folder)).toEqual([]);
  });

  it("are refused: a source without packages", async () => {
    const host = await start();
    await expect(run({ source: `${host}/none`, target: place("target") })).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      message: `${host}/none has no packages`,
    });
    expect(await readdir(scene.folder)).toEqual([]);
  });
});
