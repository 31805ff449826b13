import { mapConcurrently } from "../base/concurrency.js";
import { countOf } from "../base/count-of.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { StepProgress } from "../base/step-progress.js";
import { startStopwatch } from "../base/stopwatch.js";
import { openSources } from "../catalog/cache-source.js";
import { parseQueries } from "../catalog/package-query.js";
import { isPackageTag } from "../spack/tag.js";
import { checkBlobs, reportBlobs } from "./check-blobs.js";
import { checkImage } from "./check-image.js";
import { checkPackage } from "./check-package.js";
import { reportDisagreement } from "./confirm.js";
import { type CheckContext, reaches } from "./context.js";
import { CHECK_LEVELS, type CheckLevel } from "./finding-codes.js";
import type { CheckOptions } from "./options.js";
import { repairIndex } from "./repair.js";
import type { CheckResult } from "./result.js";
import { Selection } from "./selection.js";
import { isInQuestion, survey } from "./survey.js";

const DEFAULT_JOBS = 8;

/**
 * Recomputes what a cache claims, and says what is not so. What is broken is a finding; only what keeps the whole cache from being read is
 * an error. Nothing is written unless `repair` is set, and then nothing but the index.
 * @throws SpkociError INVALID_ARGUMENT, INVALID_REFERENCE, IMAGE_NOT_FOUND for a folder that is no OCI layout, SPEC_NOT_FOUND for a spec that
 *   nothing matches, what registries refuse, and for a repair what `changeIndex` throws
 */
export async function check(options: CheckOptions, op: Op = {}): Promise<CheckResult> {
  const elapsed = startStopwatch();
  const { source: text, jobs = DEFAULT_JOBS, repair = false } = options;
  const selection = new Selection(parseQueries(options.specs ?? []));
  const [source] = await openSources([text], options.access ?? {});
  if (source === undefined) throw new SpkociError("INVALID_ARGUMENT", "no cache is named");
  const context = await survey(source, selection, levelOf(options), op);
  // With packages that the index doesn't name it is known only when these are read.
  if (context.unindexed.size === 0) selection.checkAllMatched(source.store.name);
  const counts = reaches(context, "manifests") ? await checkTags(context, jobs, op) : countByName(context);
  if (reaches(context, "blobs")) await checkBlobs(context, jobs, op);
  reportBlobs(context);
  selection.checkAllMatched(source.store.name);
  await reportDisagreement(context, jobs, op);
  if (repair) await repairIndex(context, jobs, op);
  const findings = context.findings.sorted();
  const { store, level, blobs, reader, index, indexed } = context;
  return {
    source: store.name,
    level,
    findings,
    totals: {
      ...counts,
      records: selection.isEverything
        ? (index?.installs.size ?? 0)
        : count([...indexed.values()], (one) => one.isWanted),
      blobs: reaches(context, "blobs") ? blobs.size : 0,
      bytesRead: reader.bytesRead,
      errors: count(findings, (one) => one.severity === "error" && !one.repaired),
      warnings: count(findings, (one) => one.severity === "warning" && !one.repaired),
      notes: count(findings, (one) => one.severity === "note"),
      repaired: count(findings, (one) => one.repaired === true),
      durationMs: elapsed(),
    },
  };
}

function levelOf({ level = "blobs", repair }: CheckOptions): CheckLevel {
  if (!CHECK_LEVELS.includes(level)) {
    throw new SpkociError("INVALID_ARGUMENT", `not a level: ${JSON.stringify(level)}`, {
      hint: `Levels are ${CHECK_LEVELS.join(", ")}.`,
    });
  }
  return repair && level === "index" ? "manifests" : level;
}

interface TagCounts {
  readonly packages: number;
  readonly images: number;
}

async function checkTags(context: CheckContext, jobs: number, op: Op): Promise<TagCounts> {
  const tags = [...context.tags].filter((tag) => isInQuestion(tag, context));
  op.emit?.({ type: "step", step: "check-images", message: `checking ${countOf(tags.length, "image")}` });
  const progress = new StepProgress(op.emit, "check-images", "tags", tags.length);
  let packages = 0;
  let images = 0;
  await mapConcurrently(
    tags,
    jobs,
    async (tag, signal) => {
      if (!isPackageTag(tag)) {
        await checkImage(tag, context, { ...op, signal });
        images += 1;
      } else if (await checkPackage(tag, context, { ...op, signal })) {
        packages += 1;
      }
      progress.add(1);
    },
    op.signal,
  );
  progress.end();
  return { packages, images };
}

/** What is compared where no image is looked at. */
function countByName(context: CheckContext): TagCounts {
  const tags = [...context.tags].filter((tag) => isPackageTag(tag) && isInQuestion(tag, context));
  for (const tag of tags) context.selection.takeTag(tag);
  return { packages: tags.length, images: 0 };
}

function count<T>(all: readonly T[], isCounted: (one: T) => boolean): number {
  return all.filter(isCounted).length;
}
