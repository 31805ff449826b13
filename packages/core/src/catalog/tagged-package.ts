import type { Digest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { parseManifest } from "../oci/manifest.js";
import type { Store } from "../oci/store.js";
import { hashInTag } from "../spack/tag.js";
import { isBrokenImage } from "./broken-image.js";
import { checkIdentity, readCachedSpec } from "./cached-spec.js";
import type { IndexEntry } from "./merge-index.js";

/** What a package tag of a cache leads to. */
export interface TaggedPackage {
  readonly tag: string;
  /** Digest of the manifest that it names; undefined if even that is damaged. */
  readonly digest: Digest | undefined;
  /** What an index says of the package: itself, then everything that it depends on. Empty if there is a problem. */
  readonly entries: readonly IndexEntry[];
  /** Why the tag leads to no package. */
  readonly problem: SpkociError | undefined;
}

/** Reads the config of the package that a tag names; undefined if there is no such tag. */
export async function readTaggedPackage(store: Store, tag: string, op: Op): Promise<TaggedPackage | undefined> {
  const what = `${store.name}:${tag}`;
  let digest: Digest | undefined;
  try {
    const document = await store.read(tag, op);
    if (document === undefined) return undefined;
    digest = document.descriptor.digest;
    const hash = hashInTag(tag);
    if (hash === undefined) throw new SpkociError("SPEC_INVALID", `${what} ends in no DAG hash`);
    const file = await readCachedSpec(store, parseManifest(document, what), tag, op);
    checkIdentity(file, hash, what);
    const entries = [...file.nodes.values()].map((spec) => ({ spec, inBuildcache: spec === file.root }));
    return { tag, digest, entries, problem: undefined };
  } catch (error) {
    if (!isBrokenImage(error)) throw error;
    return { tag, digest, entries: [], problem: error };
  }
}
