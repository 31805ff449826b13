import { cp, lstat, readdir, readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { documentOf, install, openLayout, type PushResult, push } from "@spkoci/core";
import { type FixtureStore, InstallFolders, type Json, unpackFixtureStore } from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const OFFSETS = "dev.spkoci.layer.path-offsets";

let store: FixtureStore;
/** A cache as a push writes it. */
let pushed: string;
const folder = new InstallFolders();

beforeAll(async () => {
  store = await unpackFixtureStore();
  pushed = join(store.path, "pushed");
  expect((await pushTo(pushed)).totals).toMatchObject({ pushed: 5, failed: 0 });
});
afterAll(() => store.remove());

function pushTo(cache: string, cacheDir = join(store.path, "cache")): Promise<PushResult> {
  const target = `oci:${cache}`;
  return push({ store: store.store, sysroot: store.path, all: true, target, cacheDir, runEnv: "prefix" });
}

/** A copy of the cache in which the images say something else of their own layers' offsets. */
async function changedCache(change: (offsets: string) => string | undefined): Promise<string> {
  const cache = join(folder.path, "changed");
  await cp(pushed, cache, { recursive: true });
  const layout = await openLayout(cache);
  for await (const tag of layout.tags()) {
    const document = (await layout.read(tag)) ?? expect.unreachable();
    const manifest: Json = JSON.parse(Buffer.from(document.bytes).toString());
    const { annotations } = manifest.layers.at(-1);
    if (annotations?.[OFFSETS] === undefined) continue;
    const changed = change(annotations[OFFSETS]);
    if (changed === undefined) delete annotations[OFFSETS];
    else annotations[OFFSETS] = changed;
    const { mediaType } = document.descriptor;
    await layout.write(documentOf(mediaType, Buffer.from(JSON.stringify(manifest))), { tag });
  }
  return cache;
}

/** By tag: what the image says of its layers. */
async function offsetsIn(cache: string): Promise<Map<string, readonly (string | undefined)[]>> {
  const layout = await openLayout(cache);
  const all = new Map<string, readonly (string | undefined)[]>();
  for await (const tag of layout.tags()) {
    const document = (await layout.read(tag)) ?? expect.unreachable();
    const { layers }: Json = JSON.parse(Buffer.from(document.bytes).toString());
    all.set(
      tag,
      layers.map((layer: Json) => layer.annotations?.[OFFSETS]),
    );
  }
  return all;
}

/** All files of a store as they are after an install from the cache. */
async function installed(cache: string, root: string): Promise<Map<string, string>> {
  const options = { sources: [`oci:${cache}`], specs: ["greet-plugin", "greet-build-tool"], root };
  const cacheDir = join(folder.path, "cache");
  const result = await install({ ...options, cacheDir, aliasDir: folder.aliases, env: { PATH: process.env.PATH } });
  expect(result.totals).toMatchObject({ installed: 5, failed: 0 });
  const tree = new Map<string, string>();
  for (const name of (await readdir(root, { recursive: true })).sort()) {
    const path = join(root, name);
    const stats = await lstat(path);
    if (name.startsWith(".spack-db")) continue;
    const content = stats.isSymbolicLink()
      ? await readlink(path)
      : stats.isFile()
        ? (await readFile(path)).toString("latin1")
        : "";
    tree.set(name, `${stats.mode} ${name.endsWith("install_manifest.json") ? "" : content}`);
  }
  await rm(root, { recursive: true });
  return tree;
}

const distances = (of: (all: number[]) => number[]) => (text: string) =>
  JSON.stringify(JSON.parse(text), (_key, value: unknown) =>
    Array.isArray(value) && typeof value[0] === "number" ? of(value) : value,
  );

describe("offsets of old paths in images", () => {
  it("stand in each package's own image on its own layer alone", async () => {
    const all = await offsetsIn(pushed);
    expect(all.size).toBe(6);
    for (const [tag, offsets] of all) {
      const isPackage = tag !== "index.spack";
      expect(offsets.slice(0, -1).filter(Boolean)).toEqual([]);
      expect(typeof offsets.at(-1)).toBe(isPackage ? "string" : "undefined");
    }
  });

  it.each<[string, (folder: string) => string]>([
    ["shorter", () => join("/tmp", `s${process.pid}`)],
    ["longer", (folder) => join(folder, "a-root-that-is-longer-than-the-old-one")],
  ])(
    "give the same installs under a %s root as a search does, also if they are missing or wrong",
    async (_what, rootIn) => {
      const root = rootIn(folder.path);
      const withOffsets = await installed(pushed, root);
      const others: [string, (text: string) => string | undefined][] = [
        ["none", () => undefined],
        ["all wrong", distances((all) => all.map((distance) => distance + 1))],
        ["one too many", distances((all) => [...all, 1])],
        ["behind the end", distances((all) => [...all, 2 ** 40])],
      ];
      for (const [what, change] of others) {
        const cache = await changedCache(change);
        expect(await installed(cache, root), what).toEqual(withOffsets);
        await rm(cache, { recursive: true });
      }
    },
  );

  it("are no reason to write an image anew: not on another machine, and not where an image has none", async () => {
    const again = await pushTo(pushed, join(folder.path, "another-cache"));
    expect(again.totals).toMatchObject({ skipped: 5, rewritten: 0 });
    const older = await changedCache(() => undefined);
    expect((await pushTo(older)).totals).toMatchObject({ skipped: 5, rewritten: 0 });
  });

  it("are written anew without what can't be read, and carried over into an image that changes", async () => {
    const damaged = await changedCache(() => "no offsets");
    expect((await pushTo(damaged)).totals).toMatchObject({ rewritten: 5 });
    expect([...(await offsetsIn(damaged)).values()].flat().filter(Boolean)).toEqual([]);
    await rm(damaged, { recursive: true });

    const other = await changedCache((text) => text);
    const options = { store: store.store, sysroot: store.path, all: true, target: `oci:${other}` };
    const cacheDir = join(folder.path, "another-cache");
    const result = await push({ ...options, cacheDir, runEnv: "prefix", image: { user: "www" } });
    expect(result.totals).toMatchObject({ rewritten: 5 });
    expect(await offsetsIn(other)).toEqual(await offsetsIn(pushed));
  });
});
