import { fixturePath } from "@spkoci/testkit";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { RawJson } from "../base/json.js";
import { collect } from "../base/streams.js";
import { type Manifest, parseManifest } from "../oci/manifest.js";
import type { Store } from "../oci/store.js";
import { parseSpecFile } from "../spack/spec-file.js";
import { INDEX_TAG, isPackageTag } from "../spack/tag.js";
import { openLayout } from "../store/layout.js";
import { type CacheIndex, EMPTY_INDEX, formatCacheIndex, parseCacheIndex } from "./index-document.js";
import { type IndexEntry, mergeIndex } from "./merge-index.js";

let realText: string;
/** What pushing each of the five packages of the small cache would add. */
const pushes: IndexEntry[][] = [];

beforeAll(async () => {
  const store = await openLayout(fixturePath("small/cache"));
  realText = await textOf(store, (await manifestOf(store, INDEX_TAG)).layers[0] ?? expect.unreachable());
  const tags: string[] = [];
  for await (const tag of store.tags()) if (isPackageTag(tag)) tags.push(tag);
  for (const tag of tags) {
    const { root, nodes } = parseSpecFile(await textOf(store, (await manifestOf(store, tag)).config), tag);
    pushes.push([...nodes.values()].map((spec) => ({ spec, inBuildcache: spec.hash === root.hash })));
  }
});

async function manifestOf(store: Store, tag: string): Promise<Manifest> {
  return parseManifest((await store.read(tag)) ?? expect.unreachable(), tag);
}

async function textOf(store: Store, blob: Manifest["config"]): Promise<string> {
  return (await collect(await store.open(blob), 1_000_000, "blob")).toString();
}

function contentOf(index: CacheIndex): unknown {
  return JSON.parse(formatCacheIndex(index));
}

function mergeAll(entries: readonly (readonly IndexEntry[])[], onto = EMPTY_INDEX): CacheIndex {
  return entries.reduce((index, some) => mergeIndex(index, { add: some }).index, onto);
}

describe("mergeIndex over the small cache", () => {
  it("of the five packages is the index that Spack wrote", () => {
    expect(contentOf(mergeAll(pushes))).toEqual(JSON.parse(realText));
  });

  it("in Spack's order gives Spack's bytes", () => {
    const order = [...parseCacheIndex(realText, "index").installs.keys()];
    const byHash = new Map(pushes.flat().map((entry) => [entry.spec.hash, entry]));
    const pushed = new Set(pushes.map((entries) => entries.find((one) => one.inBuildcache)?.spec.hash));
    const entries = order.map((hash) => ({
      spec: byHash.get(hash)?.spec ?? expect.unreachable(),
      inBuildcache: pushed.has(hash),
    }));
    expect(formatCacheIndex(mergeIndex(EMPTY_INDEX, { add: entries }).index)).toBe(realText);
  });

  it("changes nothing that is there already, whatever order it comes in", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(pushes), (some) => {
        const merged = mergeIndex(parseCacheIndex(realText, "index"), { add: some.flat() });
        expect(merged.changed).toBe(false);
        expect(formatCacheIndex(merged.index)).toBe(realText);
      }),
      { numRuns: 30 },
    );
  });
});

/** Packages p0, p1, …; each depends on some before it. */
const dag = fc
  .array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 8 })
  .map((edges) => edges.map((to, at) => [...new Set(to.map((n) => n % Math.max(at, 1)))].filter((n) => n < at)));

function hashOf(at: number): string {
  return `hash000${at}`;
}

function specOf(graph: readonly (readonly number[])[], at: number, version = 5): IndexEntry["spec"] {
  const dependencies = (graph[at] ?? []).map((to) => ({
    name: `p${to}`,
    hash: hashOf(to),
    deptypes: ["link"],
    virtuals: [],
  }));
  const edges = dependencies.map(({ name, hash }) => ({
    name,
    hash,
    parameters: { deptypes: ["link"], virtuals: [] },
  }));
  const node = new RawJson(JSON.stringify({ name: `p${at}`, version: "1", dependencies: edges, hash: hashOf(at) }));
  return { hash: hashOf(at), node, dependencies, specfileVersion: version };
}

/** The package with all that it needs, as a push names them. */
function pushOf(graph: readonly (readonly number[])[], root: number): IndexEntry[] {
  const reached = new Set([root]);
  for (const at of reached) for (const to of graph[at] ?? []) reached.add(to);
  return [...reached].map((at) => ({ spec: specOf(graph, at), inBuildcache: at === root }));
}

describe("mergeIndex", () => {
  it("gives the same content in any order and any grouping, and is idempotent", () => {
    const pushed = dag.chain((graph) =>
      fc.tuple(
        fc.constant(graph),
        fc.shuffledSubarray(
          graph.map((_edges, at) => at),
          { minLength: 1 },
        ),
      ),
    );
    fc.assert(
      fc.property(pushed, ([graph, roots]) => {
        const one = mergeAll(roots.map((root) => pushOf(graph, root)));
        const other = mergeAll([roots.toReversed().flatMap((root) => pushOf(graph, root))]);
        expect(contentOf(one)).toEqual(contentOf(other));
        expect(mergeIndex(one, { add: roots.flatMap((root) => pushOf(graph, root)) }).changed).toBe(false);
        expect(contentOf(parseCacheIndex(formatCacheIndex(one), "index"))).toEqual(contentOf(one));
        for (const [hash, record] of one.installs) {
          const edges = [...one.installs.values()].flatMap(({ dependencies }) => dependencies);
          expect(record.refCount).toBe(edges.filter((to) => to === hash).length);
          expect(record.inBuildcache).toBe(roots.some((root) => hashOf(root) === hash));
        }
      }),
    );
  });

  it("keeps others' records to the byte, with members and forms it doesn't know", () => {
    const strange =
      '"aaaaaaa":{"spec":{"name":"x","version":"1.0","y":1.0},"ref_count":7,"in_buildcache":true,"z":[1e2]}';
    const odd = '"bbbbbbb":["what"]';
    const text = `{"database":{"version":"8","installs":{${strange},${odd}},"more":{"k":1.50}}}`;
    const { index, changed } = mergeIndex(parseCacheIndex(text, "index"), { add: pushOf([[]], 0) });
    expect(changed).toBe(true);
    const written = formatCacheIndex(index);
    expect(written.startsWith(`{"database":{"version":"8","installs":{${strange},${odd},"hash0000":`)).toBe(true);
    expect(written.endsWith('},"more":{"k":1.50}}}')).toBe(true);
  });

  it("counts edges of old records to a new one, and keeps their other members when their count changes", () => {
    const old =
      '"aaaaaaa":{"spec":{"name":"x","dependencies":[{"name":"p1","hash":"hash0001"}]},"ref_count":0,"in_buildcache":false,"z":1.0}';
    const text = `{"database":{"version":"8","installs":{${old}}}}`;
    const entry = { spec: { ...specOf([[], []], 1), dependencies: [{ hash: "aaaaaaa" }] }, inBuildcache: true };
    const { index } = mergeIndex(parseCacheIndex(text, "index"), { add: [entry as unknown as IndexEntry] });
    expect(index.installs.get("hash0001")?.refCount).toBe(1);
    expect(index.installs.get("aaaaaaa")?.json.text).toContain('"ref_count":1,"in_buildcache":false,"z":1.0');
  });

  it("never says that the cache lost a package", () => {
    const there = mergeIndex(EMPTY_INDEX, { add: pushOf([[]], 0) }).index;
    const merged = mergeIndex(there, { add: [{ spec: specOf([[]], 0), inBuildcache: false }] });
    expect(merged.changed).toBe(false);
    expect(merged.index.installs.get(hashOf(0))?.inBuildcache).toBe(true);
  });

  it("writes version 7 for a cache of Spack 0.22 and rewrites its nodes when a newer one comes", () => {
    const node =
      '{"name":"old","version":"1","compiler":{"name":"gcc","version":"12.2.0"},"dependencies":[],"hash":"hash0007"}';
    const old = { hash: "hash0007", node: new RawJson(node), dependencies: [], specfileVersion: 4 };
    const seven = mergeIndex(EMPTY_INDEX, { add: [{ spec: old, inBuildcache: true }] }).index;
    expect(seven.version).toBe(7);
    expect(seven.installs.get("hash0007")?.json.text).toContain(node);
    const upgraded =
      '{"name":"old","version":"1","dependencies":[],"annotations":{"original_specfile_version":4,"compiler":"gcc@=12.2.0"},"hash":"hash0007"}';
    const eight = mergeIndex(seven, { add: pushOf([[]], 0) }).index;
    expect(eight.version).toBe(8);
    expect(eight.installs.get("hash0007")?.json.text).toBe(`{"spec":${upgraded},"ref_count":0,"in_buildcache":true}`);
    const other = mergeIndex(mergeIndex(EMPTY_INDEX, { add: pushOf([[]], 0) }).index, {
      add: [{ spec: old, inBuildcache: true }],
    }).index;
    expect(contentOf(other)).toEqual(contentOf(eight));
  });

  it("refuses to mix nodes whose forms no reader takes together", () => {
    const wrapped = '{"database":{"version":"5","installs":{"aaaaaaa":{"spec":{"x":{"version":"1"}},"ref_count":0}}}}';
    expect(() => mergeIndex(parseCacheIndex(wrapped, "index"), { add: pushOf([[]], 0) })).toThrow(
      /version 8.*version 5/,
    );
  });

  it("after removals is as if only the others had been added, and says so only if something was removed", () => {
    const removals = dag.chain((graph) => {
      const all = graph.map((_edges, at) => at);
      return fc.tuple(fc.constant(graph), fc.subarray(all), fc.subarray(all));
    });
    fc.assert(
      fc.property(removals, ([graph, roots, removed]) => {
        const before = mergeAll(roots.map((root) => pushOf(graph, root)));
        const { index, changed } = mergeIndex(before, { remove: removed.map(hashOf) });
        const left = roots.filter((root) => !removed.includes(root));
        expect(contentOf(index)).toEqual(contentOf(mergeAll(left.map((root) => pushOf(graph, root)))));
        expect(changed).toBe(left.length < roots.length);
      }),
    );
  });

  it("keeps what is added and removed at once, and other members of a record that goes out of the cache", () => {
    const old = '"hash0000":{"spec":{"name":"p0"},"ref_count":1,"in_buildcache":true,"z":1.0}';
    const user =
      '"aaaaaaa":{"spec":{"name":"x","dependencies":[{"name":"p0","hash":"hash0000"}]},"ref_count":0,"in_buildcache":true}';
    const index = parseCacheIndex(`{"database":{"version":"8","installs":{${old},${user}}}}`, "index");
    expect(mergeIndex(index, { add: pushOf([[]], 0), remove: ["hash0000"] }).changed).toBe(false);
    const { installs } = mergeIndex(index, { remove: ["hash0000"] }).index;
    expect(installs.get("hash0000")?.json.text).toBe(
      '{"spec":{"name":"p0"},"ref_count":1,"in_buildcache":false,"z":1.0}',
    );
  });

  it("renews records whose nodes or counts are wrong only if that is wanted", () => {
    const wrong = '"hash0000":{"spec":{"name":"wrong"},"ref_count":5,"in_buildcache":true,"z":1.0}';
    const index = parseCacheIndex(`{"database":{"version":"8","installs":{${wrong},"hash0001":7}}}`, "index");
    const add = [...pushOf([[], []], 0), ...pushOf([[], []], 1)];
    const kept = mergeIndex(index, { add: pushOf([[]], 0) });
    expect(kept.changed).toBe(false);
    const { installs } = mergeIndex(index, { add, renew: true }).index;
    const node = (at: number): string => specOf([[], []], at).node.text;
    expect(installs.get("hash0000")?.json.text).toBe(`{"spec":${node(0)},"ref_count":0,"in_buildcache":true,"z":1.0}`);
    expect(installs.get("hash0001")?.json.text).toBe(`{"spec":${node(1)},"ref_count":0,"in_buildcache":true}`);
  });
});
