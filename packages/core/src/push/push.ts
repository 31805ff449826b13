import type { Op } from "../base/op.js";
import { startStopwatch } from "../base/stopwatch.js";
import { IndexMemory } from "../catalog/index-memory.js";
import { addToIndex } from "../catalog/write-index.js";
import type { ImageLayer } from "../image/image-layer.js";
import { prepareLayers } from "../layer/make-layer.js";
import { formatImageAt } from "../location/parse-location.js";
import { imageLayersOf } from "../spack/closure.js";
import { type PushContext, readPushContext, targetName } from "./context.js";
import { decidePush, type PackagePlan, type PushDecision } from "./decide.js";
import { indexEntriesOf } from "./index-entries.js";
import type { PushOptions } from "./options.js";
import { assembleCombinedImage, putImage } from "./package-image.js";
import type { PackageOutcome, PlannedPackage, PushPlan, PushResult } from "./result.js";
import { type PackagesSent, sendPackages } from "./run.js";

/**
 * What `push` with these options would do. Reads the store and asks the target; writes nothing.
 * @throws SpkociError as `push` does before it sends anything
 */
export async function planPush(options: PushOptions, op: Op = {}): Promise<PushPlan> {
  const context = await readPushContext(options, true, op);
  const decision = await decidePush(context, op);
  return {
    target: targetName(context),
    packages: decision.packages.map((plan) => describePlan(context, decision, plan)),
    bases: [...context.bases].map(([platform, { image }]) => ({
      reference: image.name,
      digest: image.descriptor.digest,
      platform,
    })),
    image:
      options.tag === undefined
        ? undefined
        : { image: formatImageAt(context.location, options.tag), packages: rootHashes(context) },
    updateIndex: options.updateIndex ?? true,
  };
}

/**
 * Makes an OCI image of each chosen package and its dependencies, and sends what the target lacks: layers, then configs and manifests,
 * then the index tag. Packages whose image is there already are skipped.
 *
 * Failures of single packages are in the result, with outcome `failed`; the others are done and named in the index.
 * @returns what became of each package, dependencies first
 * @throws SpkociError if nothing can be done at all: INVALID_REFERENCE, INVALID_ARGUMENT, STORE_NOT_FOUND, DATABASE_INVALID,
 * SPEC_NOT_FOUND, AMBIGUOUS_SPEC, IMAGE_NOT_FOUND and PLATFORM_NOT_FOUND for the base image, AUTHENTICATION_REQUIRED, ACCESS_DENIED,
 * REGISTRY_UNREACHABLE, …; and the reason of `op.signal` when that aborts. Tags never name anything incomplete.
 */
export async function push(options: PushOptions, op: Op = {}): Promise<PushResult> {
  const elapsed = startStopwatch();
  const context = await readPushContext(options, false, op);
  const decision = await decidePush(context, op, prepareLayers);
  const prefixSize = decision.packages.reduce((sum, plan) => sum + sizeToRead(decision, plan), 0);
  op.emit?.({ type: "planned", packages: decision.packages.length, prefixSize });
  const sent = await sendPackages(context, decision, op);
  const image = options.tag === undefined ? undefined : await sendCombined(context, decision, sent, options.tag, op);
  const index = (options.updateIndex ?? true) ? await updateIndex(context, sent, op) : undefined;
  const count = (outcome: PackageOutcome): number => sent.results.filter((result) => result.outcome === outcome).length;
  return {
    target: targetName(context),
    packages: sent.results,
    image,
    index,
    totals: {
      pushed: count("pushed"),
      rewritten: count("rewritten"),
      skipped: count("skipped"),
      failed: count("failed"),
      bytesSent: sent.bytesSent,
      durationMs: elapsed(),
    },
  };
}

function describePlan(context: PushContext, decision: PushDecision, plan: PackagePlan): PlannedPackage {
  const { spec, prefix } = plan.record;
  const { problem } = plan;
  return {
    name: spec.name,
    version: spec.version,
    hash: spec.hash,
    prefix,
    tag: plan.tag,
    image: formatImageAt(context.location, plan.tag),
    action: plan.action,
    reason: plan.reason,
    layers: plan.layers.map((layer) => layer.spec.hash),
    missing: plan.missing.map((layer) => layer.spec.hash),
    prefixSize: sizeToRead(decision, plan),
    problem: problem && { code: problem.code, message: problem.message, hint: problem.hint },
  };
}

/** Bytes of files that are read for the package's layer, if it is made. */
function sizeToRead({ prefixes }: PushDecision, { action, record }: PackagePlan): number {
  return action === "push" ? prefixes.sizeOf(record) : 0;
}

/** Writes the image over all chosen packages; undefined, with a warning, if one of its layers is not there. */
async function sendCombined(
  context: PushContext,
  decision: PushDecision,
  sent: PackagesSent,
  tag: string,
  op: Op,
): Promise<PushResult["image"]> {
  const failed = sent.results.find(({ outcome }) => outcome === "failed");
  if (failed) {
    op.emit?.({ type: "warning", message: `the image ${tag} was not written, because ${failed.name} failed` });
    return undefined;
  }
  const wanted = imageLayersOf(context.store, context.roots);
  const layers: ImageLayer[] = [];
  for (const record of wanted) {
    const layer = sent.layers.get(record.spec.hash) ?? decision.layers.get(record.spec.hash);
    if (layer) layers.push(layer);
    else op.emit?.({ type: "warning", message: `the image ${tag} lacks ${record.spec.name}@${record.spec.version}` });
  }
  op.emit?.({ type: "step", step: "write-image", message: `writing the image ${tag}` });
  const image = await assembleCombinedImage(context, decision.environments, tag, layers, op);
  const there = await context.target.resolve(tag, op);
  if (there?.digest !== image.manifest.descriptor.digest) await putImage(context.target, image, tag, op);
  return { image: formatImageAt(context.location, tag), digest: image.manifest.descriptor.digest };
}

/** Names in the index every package that the target has now. With `force` and `verifyCache` nothing remembered of it is used. */
async function updateIndex(context: PushContext, sent: PackagesSent, op: Op): Promise<PushResult["index"]> {
  const { options, target } = context;
  const done = new Set(sent.results.filter(({ outcome }) => outcome !== "failed").map(({ hash }) => hash));
  const records = context.packages.filter((record) => done.has(record.spec.hash));
  if (records.length === 0) return undefined;
  op.emit?.({ type: "step", step: "write-index", message: "updating the index" });
  const entries = indexEntriesOf(context.store, records);
  const memory = new IndexMemory(options.cacheDir, targetName(context), entries);
  const current = options.force || options.verifyCache ? undefined : await memory.findCurrent(target, op);
  if (current !== undefined) return current;
  const written = await addToIndex(target, entries, op);
  // Without it the index is read again, and nothing else.
  if (written !== undefined) await memory.remember(written).catch(() => {});
  return written;
}

function rootHashes(context: PushContext): string[] {
  return context.roots.map((root) => root.spec.hash);
}
