import { readTree } from "@spkoci/core";
import type { GlobalFlags, TreeFlags } from "../flags.js";
import { formatCacheTree, treeDocument } from "../render/cache-tree.js";
import { screenFor, type World } from "../world.js";
import { readCacheAccess } from "./cache-access.js";
import { readFoundStyle } from "./found-style.js";
import { runJob } from "./run-job.js";
import { joinSpecWords } from "./spec-words.js";

/** Shows what packages of a cache depend on. */
export async function runTree(
  source: string,
  specs: readonly string[],
  flags: TreeFlags & GlobalFlags,
  world: World,
): Promise<number> {
  return runJob(flags, world, async ({ op, finish }) => {
    const { allArch, allDeps = false } = flags;
    const style = readFoundStyle(flags, "not in the cache");
    const access = await readCacheAccess(source, flags, world, op);
    const tree = await readTree({ source, queries: joinSpecWords(specs), allArch, allDeps, access }, op);
    finish(treeDocument(tree), (colors) =>
      formatCacheTree(tree, { ...style, kinds: allDeps }, screenFor(world, colors)),
    );
    return 0;
  });
}
