import { mapConcurrently } from "../base/concurrency.js";
import { countOf } from "../base/count-of.js";
import type { Op } from "../base/op.js";
import { StepProgress } from "../base/step-progress.js";
import type { IndexEntry } from "../catalog/merge-index.js";
import { NewEntries } from "../catalog/new-entries.js";
import { readIndex } from "../catalog/read-index.js";
import { readTaggedPackage } from "../catalog/tagged-package.js";
import { changeIndex } from "../catalog/write-index.js";
import type { CheckContext } from "./context.js";
import type { FindingCode } from "./finding-codes.js";
import { Findings } from "./findings.js";
import type { Finding } from "./result.js";
import { surveyIndex } from "./survey-index.js";

/** What is wrong with the index itself. */
const INDEX_CODES: ReadonlySet<FindingCode> = new Set<FindingCode>([
  "INDEX_MISSING",
  "INDEX_UNREADABLE",
  "RECORD_WITHOUT_TAG",
  "TAG_NOT_INDEXED",
  "RECORD_INVALID",
  "RECORD_SPEC_WRONG",
  "RECORD_MISSING",
  "REF_COUNT_WRONG",
]);

/**
 * Mends the index as far as sound packages of the cache allow, without losing what others write to it meanwhile, and marks the findings
 * that are true no longer. An index that can't be read is replaced only after a check of the whole cache.
 * @throws SpkociError what `changeIndex` throws
 */
export async function repairIndex(context: CheckContext, jobs: number, op: Op): Promise<void> {
  const { store, findings, selection, index } = context;
  const all = findings.sorted();
  const wrong = all.filter(({ code }) => INDEX_CODES.has(code));
  const isUnreadable = wrong.some(({ code }) => code === "INDEX_UNREADABLE");
  if (wrong.length === 0 || (isUnreadable && !selection.isEverything)) return;
  const broken = new Set(all.filter((one) => one.severity === "error" && !INDEX_CODES.has(one.code)).map(tagOf));
  const tags = new Set([...context.unindexed.keys(), ...(index ? context.amending : [])]);
  const sound = [...tags].filter((tag) => !broken.has(tag));
  const add = sound.length === 0 ? [] : await readEntries(sound, context, jobs, op);
  const remove = wrong.flatMap(({ code, hash }) => (code === "RECORD_WITHOUT_TAG" && hash !== undefined ? [hash] : []));
  op.emit?.({ type: "step", step: "write-index", message: `mending the index of ${store.name}` });
  const written = await changeIndex(store, { add, remove, renew: true, replaceBroken: isUnreadable }, op);
  if (written !== undefined) await markRepaired(context, new Set(add.map(({ spec }) => spec.hash)), op);
}

function tagOf({ tag }: Finding): string | undefined {
  return tag;
}

/** What the index is to say of packages and all that they depend on, each once. */
async function readEntries(
  tags: readonly string[],
  { store }: CheckContext,
  jobs: number,
  op: Op,
): Promise<readonly IndexEntry[]> {
  const entries = new NewEntries();
  op.emit?.({
    type: "step",
    step: "read-packages",
    message: `reading ${countOf(tags.length, "package")} for the index`,
  });
  const progress = new StepProgress(op.emit, "read-packages", "packages", tags.length);
  await mapConcurrently(
    tags,
    jobs,
    async (tag, signal) => {
      const tagged = await readTaggedPackage(store, tag, { ...op, signal });
      for (const entry of tagged?.entries ?? []) entries.add(entry);
      progress.add(1);
    },
    op.signal,
  );
  progress.end();
  return entries.list();
}

/**
 * Looks at the index that was written: what it doesn't show any more is mended.
 * @param added DAG hashes of the records that were written
 */
async function markRepaired(
  { store, tags, findings }: CheckContext,
  added: ReadonlySet<string>,
  op: Op,
): Promise<void> {
  const { index } = await readIndex(store, op);
  const after = new Findings();
  const { packages: indexed } = surveyIndex({ index, where: store.name, tags }, () => true, after);
  const remaining = new Set(after.sorted().map(({ code, hash }) => `${code} ${hash ?? ""}`));
  findings.markRepaired(({ code, tag = "", hash = "" }) => {
    if (!INDEX_CODES.has(code)) return false;
    if (code === "TAG_NOT_INDEXED") return indexed.get(tag)?.inBuildcache === true;
    if (code === "RECORD_WITHOUT_TAG") return indexed.get(tag)?.inBuildcache !== true;
    if (code === "RECORD_SPEC_WRONG" && !added.has(hash)) return false;
    return !remaining.has(`${code} ${hash}`);
  });
}
