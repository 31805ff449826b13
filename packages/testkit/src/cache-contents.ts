import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Store, updateIndex } from "@spkoci/core";
import { putPackage, type TestPackage } from "./spack-package.js";

/** Puts packages into a cache and names them in its index. `target` is where `store` is, such as `oci:DIR`. */
export async function fillCache(store: Store, target: string, packages: readonly TestPackage[]): Promise<void> {
  for (const one of packages) await putPackage(store, one);
  await updateIndex({ source: target, access: {} });
}

/** Every tag, in order. */
export async function tagsOf(store: Store): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of store.tags()) tags.push(tag);
  return tags.sort();
}

/** Every tag in order, those of packages by the package's name alone. */
export async function namesOf(store: Store): Promise<string[]> {
  return (await tagsOf(store)).map((tag) => tag.replace(/-[0-9.]+-[a-z0-9]{32}\.spack$/, "")).sort();
}

/** A package that an index says is in the cache. */
export interface IndexedPackage {
  readonly name: string;
  /** DAG hash. */
  readonly hash: string;
}

/** The packages that a cache's index says are in the cache, by name; none without an index. */
export async function indexedIn(store: Store): Promise<IndexedPackage[]> {
  const document = await store.read("index.spack");
  if (document === undefined) return [];
  const { layers } = JSON.parse(Buffer.from(document.bytes).toString("utf8")) as {
    readonly layers: readonly [Parameters<Store["open"]>[0]];
  };
  const chunks: Buffer[] = [];
  for await (const chunk of await store.open(layers[0])) chunks.push(chunk as Buffer);
  const { database } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
    readonly database: {
      readonly installs: Readonly<
        Record<string, { readonly in_buildcache?: boolean; readonly spec: { readonly name: string } }>
      >;
    };
  };
  return Object.entries(database.installs)
    .flatMap(([hash, { in_buildcache, spec }]) => (in_buildcache ? [{ name: spec.name, hash }] : []))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Makes all blobs of a layout folder so old, ms. */
export async function ageBlobs(folder: string, ms: number): Promise<void> {
  const time = new Date(Date.now() - ms);
  const blobs = join(folder, "blobs/sha256");
  for (const file of await readdir(blobs)) await utimes(join(blobs, file), time, time);
}
