import { readFile } from "node:fs/promises";
import { buildPackage, fixturePath, putIndexText, putPackage, type TestPackage } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { RawJson } from "../base/json.js";
import type { Op } from "../base/op.js";
import { type Document, documentOf } from "../oci/document.js";
import { OCI_LAYER_GZIP, OCI_MANIFEST } from "../oci/media-type.js";
import { blobOf, type WriteOptions } from "../oci/store.js";
import { tagMoved } from "../oci/tag-moved.js";
import { parseSpecFile } from "../spack/spec-file.js";
import { INDEX_TAG } from "../spack/tag.js";
import { MemoryStore } from "../store/memory.js";
import type { IndexEntry } from "./merge-index.js";
import { readIndex } from "./read-index.js";
import { addToIndex, changeIndex } from "./write-index.js";

const QUICK = { attempts: 4, baseMs: 0, maxMs: 0, lookAgainMs: 0 };

function entryOf(name: string): IndexEntry {
  const hash = `hash000${name}`;
  const node = new RawJson(JSON.stringify({ name, version: "1", hash }));
  return { spec: { hash, node, dependencies: [], specfileVersion: 5 }, inBuildcache: true };
}

async function hashesIn(store: MemoryStore): Promise<string[]> {
  return [...(await readIndex(store)).index.installs.keys()];
}

/** As registries are: a tag is looked at before it is moved, but may be moved by others in between. */
class ComparingTooEarly extends MemoryStore {
  override readonly comparesTags = false;

  override async write(document: Document, { tag, from }: WriteOptions = {}, op?: Op): Promise<void> {
    if (tag !== undefined && from !== undefined && ((await this.resolve(tag))?.digest ?? "nothing") !== from) {
      throw tagMoved(this.name, tag);
    }
    await super.write(document, tag === undefined ? {} : { tag }, op);
  }
}

/** Notes calls about tags. */
class WatchedStore extends ComparingTooEarly {
  calls: string[] = [];

  override async read(reference: string, op?: Op) {
    if (reference === INDEX_TAG) this.calls.push("read");
    return super.read(reference, op);
  }
  override async resolve(reference: string, op?: Op) {
    if (reference === INDEX_TAG) this.calls.push("resolve");
    return (await super.read(reference, op))?.descriptor;
  }
  override async write(document: Document, options?: WriteOptions, op?: Op): Promise<void> {
    await super.write(document, options, op);
    if (options?.tag === INDEX_TAG) this.calls.push("write");
  }
  override async *tags(op?: Op): AsyncIterable<string> {
    this.calls.push("tags");
    yield* super.tags(op);
  }
}

/** A store in which another writer acts just before a reading of a tag; `turns` says what. */
class ContendedStore extends ComparingTooEarly {
  turns: (() => Promise<unknown>)[] = [];

  override async resolve(reference: string, op?: Op) {
    await this.turns.shift()?.();
    return await super.resolve(reference, op);
  }
}

/** A store that counts what is written. */
class CountingStore extends MemoryStore {
  writes = 0;
  override async put(...args: Parameters<MemoryStore["put"]>): Promise<void> {
    this.writes += 1;
    await super.put(...args);
  }
  override async write(...args: Parameters<MemoryStore["write"]>): Promise<void> {
    this.writes += 1;
    await super.write(...args);
  }
}

describe("addToIndex", () => {
  it("writes the first index, with the very manifest that Spack writes for its content", async () => {
    const store = new MemoryStore();
    const written = await addToIndex(store, [entryOf("a")]);
    expect(written?.packages).toBe(1);
    const document = await store.read(INDEX_TAG);
    expect(document?.descriptor.digest).toBe(written?.digest);
    const manifest = Buffer.from(document?.bytes ?? []).toString();
    const real = await readFile(
      fixturePath("small/cache/blobs/sha256/3f58e35bfeb8ae36ef7af342baa38212e07e8eb745234a8fa71bbf59f5b78cb7"),
      "utf8",
    );
    const withoutContent = (text: string) => text.replace(/("layers":\[.*"digest":")[^"]+(","size":)\d+/, "$1$2");
    expect(withoutContent(manifest)).toBe(withoutContent(real));
  });

  it("adds to what is there and writes nothing when it is all there", async () => {
    const store = new CountingStore();
    await addToIndex(store, [entryOf("a")]);
    const second = await addToIndex(store, [entryOf("b")]);
    expect(second?.packages).toBe(2);
    const { writes } = store;
    expect(await addToIndex(store, [entryOf("b"), entryOf("a")])).toEqual(second);
    expect(store.writes).toBe(writes);
    expect(await hashesIn(store)).toEqual(["hash000a", "hash000b"]);
  });

  it("makes no index of nothing", async () => {
    const store = new CountingStore();
    expect(await addToIndex(store, [])).toBeUndefined();
    expect(store.writes).toBe(0);
  });

  it("checklist 42: merges again when another writer was there before or after its own writing", async () => {
    const store = new ContendedStore();
    store.turns = [() => addToIndex(store, [entryOf("b")])];
    const written = await addToIndex(store, [entryOf("a")], {}, QUICK);
    expect(written?.packages).toBe(2);
    expect(await hashesIn(store)).toEqual(["hash000b", "hash000a"]);
  });

  it("writes again when its index was overwritten by one that lacks its packages", async () => {
    const store = new ContendedStore();
    const other =
      '{"database":{"version":"8","installs":{"zzzzzzz":{"spec":{"name":"z"},"ref_count":0,"in_buildcache":true}}}}';
    store.turns = [async () => {}, () => putIndexText(store, other)];
    const written = await addToIndex(store, [entryOf("a")], {}, QUICK);
    expect(written?.packages).toBe(2);
    expect(await hashesIn(store)).toEqual(["zzzzzzz", "hash000a"]);
  });

  it("gives up with a clear error when others never stop", async () => {
    const store = new ContendedStore();
    const empty = (n: number) => `{"database":{"version":"8","installs":{},"n":${n}}}`;
    store.turns = Array.from({ length: 20 }, (_, n) => () => putIndexText(store, empty(n)));
    const retries: string[] = [];
    const op: Op = { emit: (event) => event.type === "retry" && retries.push(event.reason) };
    await expect(addToIndex(store, [entryOf("a")], op, QUICK)).rejects.toMatchObject({ code: "INDEX_BUSY" });
    expect(retries).toHaveLength(QUICK.attempts - 1);
  });

  it("leaves an index alone that it can't read", async () => {
    const store = new CountingStore();
    await putIndexText(store, "<html>");
    const { writes } = store;
    await expect(addToIndex(store, [entryOf("a")])).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
    expect(store.writes).toBe(writes);
  });

  it("stops when it is told to", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(addToIndex(new MemoryStore(), [entryOf("a")], { signal })).rejects.toThrow("enough");
  });
});

describe("changeIndex where nothing compares", () => {
  const lib = buildPackage("lib");
  const app = buildPackage("app", { dependencies: [lib] });

  function entriesIn(one: TestPackage): IndexEntry[] {
    const { nodes } = parseSpecFile(Buffer.from(one.config.bytes).toString(), one.tag);
    return [...nodes.values()].map((spec) => ({ spec, inBuildcache: spec.hash === one.hash }));
  }

  async function put(store: MemoryStore, one: TestPackage): Promise<void> {
    await putPackage(store, one);
    await changeIndex(store, { add: entriesIn(one) }, {}, QUICK);
  }

  it("looks at the tags once and waits for nobody when nobody else is there", async () => {
    const store = new WatchedStore();
    await put(store, app);
    expect(store.calls).toEqual(["read", "resolve", "write", "resolve", "tags"]);
    store.calls = [];
    await changeIndex(store, { add: entriesIn(app) });
    expect(store.calls).toEqual(["read"]);
  });

  it("names what others pushed and nobody named, with what it depends on", async () => {
    const store = new ComparingTooEarly();
    await putPackage(store, app);
    const written = await addToIndex(store, [entryOf("a")], {}, QUICK);
    expect(written?.packages).toBe(2);
    expect((await hashesIn(store)).sort()).toEqual(["hash000a", app.hash, lib.hash].sort());
  });

  it("remembers a tag that leads to no package, and waits for it once", async () => {
    const store = new WatchedStore();
    await putPackage(store, { ...app, tag: lib.tag });
    await addToIndex(store, [entryOf("a")], {}, QUICK);
    expect(store.calls.filter((call) => call === "write")).toHaveLength(2);
    store.calls = [];
    await addToIndex(store, [entryOf("b")], {}, { ...QUICK, lookAgainMs: 1_000_000 });
    expect(store.calls).toEqual(["read", "resolve", "write", "resolve", "tags"]);
    await put(store, lib);
    expect((await readIndex(store)).index.installs.get(lib.hash)?.inBuildcache).toBe(true);
  });

  it("leaves many unnamed packages to update-index, and says so", async () => {
    const store = new ComparingTooEarly();
    for (let at = 0; at <= 500; at += 1) await store.write(app.manifest, { tag: `p-1-hash${at + 1000}.spack` });
    const warnings: string[] = [];
    const op: Op = { emit: (event) => event.type === "warning" && warnings.push(`${event.message}: ${event.hint}`) };
    await addToIndex(store, [entryOf("a")], op, QUICK);
    expect(warnings).toEqual([expect.stringMatching(/doesn't name 501 packages.*update-index/)]);
    expect(await hashesIn(store)).toEqual(["hash000a"]);
  });

  it("is done with a warning where tags can't be listed", async () => {
    const store = new ComparingTooEarly();
    store.tags = () => {
      throw new SpkociError("ACCESS_DENIED", "listing the tags of memory: 403");
    };
    const warnings: string[] = [];
    const op: Op = { emit: (event) => event.type === "warning" && warnings.push(event.message) };
    expect(await addToIndex(store, [entryOf("a")], op, QUICK)).toMatchObject({ packages: 1 });
    expect(warnings).toEqual([expect.stringContaining("403")]);
  });

  it("leaves a removed package out while its tag is there, and names one again that was pushed since", async () => {
    const store = new ComparingTooEarly();
    await put(store, app);
    await changeIndex(store, { remove: [app.hash] }, {}, QUICK);
    expect(await hashesIn(store)).toEqual([]);
    await changeIndex(store, { remove: [app.hash], tagsGone: true, add: [entryOf("b")] }, {}, QUICK);
    expect((await readIndex(store)).index.installs.get(app.hash)?.inBuildcache).toBe(true);
  });

  it("does not bring a package back that is deleted while it names it for others", async () => {
    const store = new ContendedStore();
    await putPackage(store, app);
    const deleting = async (): Promise<void> => {
      if ((await readIndex(store)).index.installs.has(app.hash)) await store.delete(app.tag);
    };
    store.turns = Array.from({ length: 20 }, () => deleting);
    await addToIndex(store, [entryOf("a")], {}, QUICK);
    expect(await hashesIn(store)).toEqual(["hash000a"]);
  });

  it("keeps further layers and members of the manifest", async () => {
    const store = new MemoryStore();
    await addToIndex(store, [entryOf("a")]);
    const before = JSON.parse(Buffer.from((await store.read(INDEX_TAG))?.bytes ?? []).toString()) as {
      layers: object[];
    };
    const extra = { mediaType: "x/y", digest: digestOf("extra"), size: 5, more: 1 };
    await store.put(blobOf(documentOf("x/y", Buffer.from("extra"))));
    const changed = { ...before, layers: [...before.layers, extra], annotations: { a: "b" }, strange: [1] };
    await store.write(documentOf(OCI_MANIFEST, Buffer.from(JSON.stringify(changed))), { tag: INDEX_TAG });
    await addToIndex(store, [entryOf("b")]);
    const after = JSON.parse(Buffer.from((await store.read(INDEX_TAG))?.bytes ?? []).toString());
    expect(after).toMatchObject({
      annotations: { a: "b" },
      strange: [1],
      layers: [{ mediaType: OCI_LAYER_GZIP }, extra],
    });
  });
});
