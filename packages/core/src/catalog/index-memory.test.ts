import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTemporaryFolder, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RawJson } from "../base/json.js";
import { MEMORY_FILE } from "../base/memory-file.js";
import { INDEX_TAG } from "../spack/tag.js";
import { MemoryStore } from "../store/memory.js";
import { IndexMemory, indexMemoryFolder } from "./index-memory.js";
import type { IndexEntry } from "./merge-index.js";
import { addToIndex, changeIndex } from "./write-index.js";

function entryOf(name: string, inBuildcache = true): IndexEntry {
  const hash = `hash000${name}`;
  const node = new RawJson(JSON.stringify({ name, version: "1", hash }));
  return { spec: { hash, node, dependencies: [], specfileVersion: 5 }, inBuildcache };
}

const two = [entryOf("a"), entryOf("b")];

let temporary: TemporaryFolder;
let store: MemoryStore;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  store = new MemoryStore("memory");
});
afterEach(() => temporary.remove());

const memoryOf = (entries: readonly IndexEntry[], location = "host/cache"): IndexMemory =>
  new IndexMemory(temporary.path, location, entries);

async function addAndRemember(entries: readonly IndexEntry[]) {
  const written = await addToIndex(store, entries);
  if (written === undefined) throw new Error("nothing was written");
  await memoryOf(entries).remember(written);
  return written;
}

describe("IndexMemory", () => {
  it("knows nothing at first, and makes no folder for it", async () => {
    expect(await memoryOf(two).findCurrent(store)).toBeUndefined();
    expect(await readdir(temporary.path)).toEqual([]);
  });

  it("finds the index that was remembered without reading it, whatever the order of the entries", async () => {
    const written = await addAndRemember(two);
    store.open = () => Promise.reject(new Error("the index was read"));
    expect(written.packages).toBe(2);
    expect(await memoryOf([...two].reverse()).findCurrent(store)).toEqual(written);
  });

  it.each<[string, readonly IndexEntry[]]>([
    ["more packages", [...two, entryOf("c")]],
    ["fewer packages", two.slice(0, 1)],
    ["a package that was not in the cache", [entryOf("a"), entryOf("b", false)]],
  ])("knows nothing of %s", async (_, entries) => {
    await addAndRemember(two);
    expect(await memoryOf(entries).findCurrent(store)).toBeUndefined();
  });

  it("knows nothing of another cache", async () => {
    await addAndRemember(two);
    expect(await memoryOf(two, "host/other").findCurrent(store)).toBeUndefined();
  });

  it.each<[string, () => Promise<unknown>]>([
    ["that others have added to", () => addToIndex(store, [entryOf("c")])],
    ["that a package was taken out of", () => changeIndex(store, { remove: ["hash000a"] })],
    ["whose tag is gone", () => store.delete(INDEX_TAG)],
  ])("doesn't take an index %s for the one that it knows", async (_, change) => {
    await addAndRemember(two);
    await change();
    expect(await memoryOf(two).findCurrent(store)).toBeUndefined();
  });

  it("passes over a file that is damaged", async () => {
    await addAndRemember(two);
    const [name = ""] = await readdir(indexMemoryFolder(temporary.path));
    expect(name).toMatch(MEMORY_FILE);
    const path = join(indexMemoryFolder(temporary.path), name);
    await writeFile(path, (await readFile(path, "utf8")).replace('"packages":2', '"packages":3'));
    expect(await memoryOf(two).findCurrent(store)).toBeUndefined();
  });
});
