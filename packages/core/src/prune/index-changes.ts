import { countOf } from "../base/count-of.js";
import type { Op } from "../base/op.js";
import type { IndexEntry } from "../catalog/merge-index.js";
import { readIndex } from "../catalog/read-index.js";
import { changeIndex } from "../catalog/write-index.js";
import type { Store } from "../oci/store.js";
import { hashInTag } from "../spack/tag.js";
import type { Survey } from "./survey.js";

/** Takes packages out of the index, before their images go. */
export async function takeOut(store: Store, hashes: readonly string[], op: Op): Promise<void> {
  if (hashes.length === 0) return;
  op.emit?.({ type: "step", step: "index", message: `Taking ${countOf(hashes.length, "package")} out of the index` });
  await changeIndex(store, { remove: hashes }, op);
}

/** Names packages again that stayed after all. */
export async function putBack(store: Store, hashes: readonly string[], survey: Survey, op: Op): Promise<void> {
  if (hashes.length === 0) return;
  op.emit?.({ type: "step", step: "index", message: `Naming ${countOf(hashes.length, "package")} in the index again` });
  const present = new Set(hashes);
  const reached = new Set(hashes);
  const add: IndexEntry[] = [];
  for (const hash of reached) {
    const spec = survey.specs.get(hash);
    if (spec === undefined) continue;
    add.push({ spec, inBuildcache: present.has(hash) });
    for (const dependency of spec.dependencies) reached.add(dependency.hash);
  }
  await changeIndex(store, { add }, op);
}

/**
 * Takes out what the index names and no tag leads to: a writer that knew the packages of before may have named them again while their
 * tags were there.
 */
export async function takeOutTagless(store: Store, removed: readonly string[], op: Op): Promise<void> {
  // The index before the tags: a package that is pushed meanwhile has its tag first.
  const { index, digest } = await readIndex(store, op);
  if (digest === undefined) return;
  const tagged = new Set<string | undefined>();
  for await (const tag of store.tags(op)) tagged.add(hashInTag(tag));
  const named = [...index.installs].filter(([, { inBuildcache }]) => inBuildcache).map(([hash]) => hash);
  const hashes = [...new Set([...removed, ...named])].filter((hash) => !tagged.has(hash));
  if (hashes.length > 0) await changeIndex(store, { remove: hashes, tagsGone: true }, op);
}
