import type { CacheIndex } from "../catalog/index-document.js";
import type { SeenTags } from "../catalog/seen-tags.js";
import { hashInTag } from "../spack/tag.js";

/** Which tags of a cache have to be looked at for its index to be right. */
export interface IndexPlan {
  /** Tags whose packages are read. */
  readonly read: readonly string[];
  /** Tags of packages that the index names: they are read again if they name another manifest than before. */
  readonly compare: readonly string[];
  /** Tags that end as packages' do, and in no DAG hash. */
  readonly foreign: readonly string[];
  /** Tags that were read before and are no longer there. */
  readonly forgotten: readonly string[];
}

/**
 * @param tags every tag of the cache that ends as packages' do, listed after the index was read
 * @param full whether what the index says is not relied on, but for tags that were read since a rebuild was begun
 */
export function planIndex(index: CacheIndex, seen: SeenTags, tags: readonly string[], full: boolean): IndexPlan {
  const read: string[] = [];
  const compare: string[] = [];
  const foreign: string[] = [];
  const listed = new Set(tags);
  for (const tag of tags) {
    const hash = hashInTag(tag);
    if (hash === undefined) foreign.push(tag);
    else if (isKnown(tag, hash)) compare.push(tag);
    else read.push(tag);
  }
  return { read, compare, foreign, forgotten: [...seen.tags.keys()].filter((tag) => !listed.has(tag)) };

  function isKnown(tag: string, hash: string): boolean {
    const isRelied = !full || (seen.rebuilding && seen.tags.has(tag));
    return isRelied && index.installs.get(hash)?.inBuildcache === true;
  }
}
