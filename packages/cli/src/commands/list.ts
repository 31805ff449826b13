import { listCache } from "@spkoci/core";
import type { GlobalFlags, ListFlags } from "../flags.js";
import { formatListed, listDocument } from "../render/listed.js";
import { screenFor, type World } from "../world.js";
import { readCacheAccess } from "./cache-access.js";
import { readFoundStyle } from "./found-style.js";
import { runJob } from "./run-job.js";
import { joinSpecWords } from "./spec-words.js";

/** Lists the packages of a cache. */
export async function runList(
  source: string,
  specs: readonly string[],
  flags: ListFlags & GlobalFlags,
  world: World,
): Promise<number> {
  return runJob(flags, world, async ({ op, finish }) => {
    const style = readFoundStyle(flags, "not in the cache");
    const access = await readCacheAccess(source, flags, world, op);
    const list = await listCache({ source, queries: joinSpecWords(specs), allArch: flags.allArch, access }, op);
    finish(
      () => listDocument(list),
      (colors) => formatListed(list, style, screenFor(world, colors)),
    );
    return 0;
  });
}
