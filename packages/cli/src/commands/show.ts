import { SpkociError, showPackage } from "@spkoci/core";
import type { GlobalFlags, ShowFlags } from "../flags.js";
import { formatShown } from "../render/shown.js";
import { screenFor, type World } from "../world.js";
import { readCacheAccess } from "./cache-access.js";
import { runJob } from "./run-job.js";
import { joinSpecWords } from "./spec-words.js";

/** Shows one package's image in a cache. */
export async function runShow(
  source: string,
  words: readonly string[],
  flags: ShowFlags & GlobalFlags,
  world: World,
): Promise<number> {
  return runJob(flags, world, async ({ op, finish }) => {
    const [spec = "", ...others] = joinSpecWords(words);
    if (others.length > 0) {
      throw new SpkociError("INVALID_ARGUMENT", `one package can be shown, not ${others.length + 1}`, {
        hint: "Put a spec with spaces in quotes; `spkoci list -lv SOURCE` shows several packages.",
      });
    }
    const access = await readCacheAccess(source, flags, world, op);
    const image = await showPackage({ source, spec, measure: flags.measure, access }, op);
    finish(image, (colors) => formatShown(image, screenFor(world, colors)));
    return 0;
  });
}
