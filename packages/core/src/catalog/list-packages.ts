import { mapConcurrently } from "../base/concurrency.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { StepProgress } from "../base/step-progress.js";
import { parseManifest } from "../oci/manifest.js";
import type { Store } from "../oci/store.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import type { SpecFile } from "../spack/spec-file.js";
import { hashInTag, isPackageTag } from "../spack/tag.js";
import { isBrokenImage } from "./broken-image.js";
import type { CacheSource } from "./cache-source.js";
import { readCachedSpec } from "./cached-spec.js";
import type { CacheIndex } from "./index-document.js";
import { readIndex } from "./read-index.js";
import { parseRecordSpec } from "./record-spec.js";

/** Packages of a cache. */
export interface CacheListing {
  readonly packages: readonly ConcreteSpec[];
  /** By DAG hash: the packages and what else is said of their dependencies. */
  readonly known: ReadonlyMap<string, ConcreteSpec>;
}

/** What a cache has. */
export interface CacheContents extends CacheListing {
  /** The packages are all that the cache has, as its index says; without an index, those whose tags were looked at. */
  readonly indexed: boolean;
  /** DAG hashes of everything that the cache has, by its index or its tags, whether it is among `packages` or not. */
  readonly hashes: ReadonlySet<string>;
}

/**
 * The packages that a cache has, by its index, or where it has none by its tags and the specs in the configs that they lead to.
 * Of an unindexed cache only tags that `mayMatch` are looked at.
 */
export async function listPackages(
  source: CacheSource,
  mayMatch: (tag: string) => boolean,
  op: Op,
): Promise<CacheContents> {
  const { index, digest } = await readIndex(source.store, op);
  return digest === undefined ? packagesAtTags(source.store, mayMatch, op) : packagesInIndex(index, source, op);
}

/** The packages that an index names. A record that can't be read is passed over with a warning. */
export function packagesInIndex(index: CacheIndex, source: CacheSource, op: Op): CacheContents {
  const packages: ConcreteSpec[] = [];
  const known = new Map<string, ConcreteSpec>();
  for (const [hash, record] of index.installs) {
    try {
      const spec = parseRecordSpec(hash, record, index, source.store.name);
      known.set(hash, spec);
      if (record.inBuildcache) packages.push(spec);
    } catch (error) {
      if (!(error instanceof SpkociError)) throw error;
      op.emit?.({ type: "warning", message: `passed over: ${error.message}` });
    }
  }
  return { indexed: true, packages, known, hashes: new Set(packages.map(({ hash }) => hash)) };
}

const TAGS_AT_ONCE = 8;

/** Tags from which on progress is told. */
const MANY_TAGS = 32;

/** The packages at those tags of a cache that `mayMatch`, by the specs in the configs that they lead to. Broken ones are passed over. */
export async function packagesAtTags(store: Store, mayMatch: (tag: string) => boolean, op: Op): Promise<CacheContents> {
  const tags: string[] = [];
  const hashes = new Set<string>();
  for await (const tag of store.tags(op)) {
    if (!isPackageTag(tag)) continue;
    hashes.add(hashInTag(tag) ?? "");
    if (mayMatch(tag)) tags.push(tag);
  }
  const packages: ConcreteSpec[] = [];
  const known = new Map<string, ConcreteSpec>();
  const progress = tags.length < MANY_TAGS ? undefined : new StepProgress(op.emit, "tags", "tags", tags.length);
  if (progress !== undefined) {
    const message = `${store.name} has no index: reading the packages at ${tags.length} tags`;
    op.emit?.({ type: "step", step: "tags", message });
  }
  await mapConcurrently(
    tags,
    TAGS_AT_ONCE,
    async (tag, signal) => {
      const file = await specAt(store, tag, { ...op, signal });
      progress?.add(1);
      if (file === undefined) return;
      packages.push(file.root);
      for (const [hash, node] of file.nodes) known.set(hash, node);
    },
    op.signal,
  );
  progress?.end();
  return { indexed: false, packages, known, hashes };
}

async function specAt(store: Store, tag: string, op: Op): Promise<SpecFile | undefined> {
  try {
    const document = await store.read(tag, op);
    if (document === undefined) return undefined;
    return await readCachedSpec(store, parseManifest(document, `${store.name}:${tag}`), tag, op);
  } catch (error) {
    if (!isBrokenImage(error)) throw error;
    op.emit?.({ type: "warning", message: `passed over the tag ${tag}: ${error.message}` });
    return undefined;
  }
}
