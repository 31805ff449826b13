import { mapConcurrently } from "../base/concurrency.js";
import type { Op } from "../base/op.js";
import { readIndex } from "../catalog/read-index.js";
import type { Store } from "../oci/store.js";
import type { CheckContext } from "./context.js";
import { imageFailure } from "./image-failure.js";
import { aboutOf, surveyIndex } from "./survey-index.js";

/**
 * Reports in what tags and index disagree, after another look: a push adds tags first and names them in the index later, and a
 * registry's list of tags may lag behind.
 */
export async function reportDisagreement(context: CheckContext, jobs: number, op: Op): Promise<void> {
  await reportRecordsWithoutTag(context, jobs, op);
  if (context.index !== undefined) await reportUnindexed(context, op);
}

async function reportRecordsWithoutTag(context: CheckContext, jobs: number, op: Op): Promise<void> {
  const { indexed, tags, findings, store } = context;
  const suspects = [...indexed].filter(([tag, one]) => one.isWanted && one.inBuildcache && !tags.has(tag));
  await mapConcurrently(
    suspects,
    jobs,
    async ([tag, one], signal) => {
      if (await isThere(store, tag, { ...op, signal })) return;
      findings.about({ tag, ...aboutOf(one) })("RECORD_WITHOUT_TAG", `there is no tag ${tag}`);
    },
    op.signal,
  );
}

/** A tag that leads to something broken is there. */
async function isThere(store: Store, tag: string, op: Op): Promise<boolean> {
  try {
    return (await store.resolve(tag, op)) !== undefined;
  } catch (error) {
    return (await imageFailure(error, store, op)).code !== "INVALID_REFERENCE";
  }
}

async function reportUnindexed({ store, tags, unindexed, findings }: CheckContext, op: Op): Promise<void> {
  if (unindexed.size === 0) return;
  const { index } = await readIndex(store, op);
  const { packages: named } = surveyIndex({ index, where: store.name, tags }, () => false, findings);
  for (const [tag, about] of unindexed) {
    const entry = named.get(tag);
    if (entry?.inBuildcache) {
      unindexed.delete(tag);
      continue;
    }
    const why = entry ? "the index says that the cache doesn't have it" : "the index has no record of it";
    findings.about(about)("TAG_NOT_INDEXED", why);
  }
}
