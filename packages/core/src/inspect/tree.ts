import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { KnownSpecs } from "../spack/rank.js";
import { type DependencyTree, describeTree } from "./dependency-tree.js";
import { type ListOptions, listCache } from "./list.js";

export interface TreeOptions extends ListOptions {
  /** Follow build and test dependencies too, not only what is linked or run. */
  readonly allDeps?: boolean | undefined;
}

/** The dependencies of packages of a cache. */
export interface CacheTree extends DependencyTree {
  /** The cache's name. */
  readonly source: string;
  /** How many packages match too, but this machine can't use them. */
  readonly others: number;
  readonly known: KnownSpecs;
}

/**
 * The packages of a cache that match the queries, and what they depend on.
 * @throws SpkociError as `listCache` does, and INVALID_ARGUMENT if there is no query
 */
export async function readTree(options: TreeOptions, op: Op = {}): Promise<CacheTree> {
  if ((options.queries ?? []).length === 0) {
    throw new SpkociError("INVALID_ARGUMENT", "no packages are named", {
      hint: "Name packages, such as zlib or /abcdefg.",
    });
  }
  const { source, packages, others, known, hashes } = await listCache(options, op);
  const tree = describeTree({
    roots: packages.map(({ spec }) => spec),
    allDeps: options.allDeps ?? false,
    known: (hash) => known.get(hash),
    isPresent: (hash) => hashes.has(hash),
  });
  return { source, others, known, ...tree };
}
