import { mapConcurrently } from "../base/concurrency.js";
import type { Digest } from "../base/digest.js";
import type { Op } from "../base/op.js";
import { startStopwatch } from "../base/stopwatch.js";
import type { IndexEntry } from "../catalog/merge-index.js";
import { addToIndex } from "../catalog/write-index.js";
import { formatLocation } from "../location/parse-location.js";
import type { Descriptor } from "../oci/descriptor.js";
import { type CopyContext, jobsOf, readCopyContext } from "./context.js";
import { readImageGraph } from "./image-graph.js";
import type { CopyOptions } from "./options.js";
import type { CopyOutcome, CopyPlan, CopyResult, PlannedCopy } from "./result.js";
import { copyImages, type ImagesCopied } from "./run.js";
import { surveyTag } from "./survey.js";

/**
 * What `copy` with these options would do. Asks both places; writes nothing. What refers to images is not looked at.
 * @throws SpkociError as `copy` does before it sends anything
 */
export async function planCopy(options: CopyOptions, op: Op = {}): Promise<CopyPlan> {
  const context = await readCopyContext(options, true, op);
  const tags = [...context.packages.map(({ tag }) => tag), ...context.tags];
  const wanted = await mapConcurrently(
    tags,
    jobsOf(options),
    (tag, signal) => surveyImage(context, tag, { ...op, signal }),
    op.signal,
  );
  const lacking = await findLacking(
    context,
    wanted.flatMap(({ blobs }) => blobs),
    op,
  );
  // Each blob is counted where it is needed first.
  const planned = wanted.map(({ tag, action, blobs }): PlannedCopy => {
    const sent = blobs.filter(({ digest }) => lacking.delete(digest));
    return { tag, action, bytes: sent.reduce((sum, { size }) => sum + size, 0) };
  });
  const packages = context.packages.map(({ spec: { name, version, hash } }, at) => {
    return { name, version, hash, ...(planned[at] as PlannedCopy) };
  });
  return {
    ...placesOf(context),
    packages,
    images: planned.slice(packages.length),
    bytes: planned.reduce((sum, { bytes }) => sum + bytes, 0),
    updateIndex: context.index !== undefined,
  };
}

/**
 * Copies packages with what they need to run, images under other tags, and what refers to any of them (signatures, SBOMs) from one
 * place to another, as they are: every manifest, config and layer keeps its bytes and digest. Only what the target lacks is sent; it
 * is mounted where both are repositories of one registry. What the target has of other packages stays, and its index names them all.
 *
 * The spec in each package's config is checked against its DAG hash, as by an install. Tags of the target never name anything
 * incomplete, and dependencies come before what needs them, so a copy that was stopped leaves a valid cache, and the next goes on.
 * A target that is an archive is written as a whole at the end.
 *
 * Failures of single images are in the result, with outcome `failed`; the others are done and named in the index.
 * @throws SpkociError if nothing can be done at all: INVALID_REFERENCE, INVALID_ARGUMENT, SPEC_NOT_FOUND, IMAGE_NOT_FOUND,
 * DOCUMENT_INVALID, ARCHIVE_REFUSED, AUTHENTICATION_REQUIRED, REGISTRY_UNREACHABLE, INDEX_BUSY, NO_SPACE, …; and the reason of
 * `op.signal` when that aborts
 */
export async function copy(options: CopyOptions, op: Op = {}): Promise<CopyResult> {
  const elapsed = startStopwatch();
  const context = await readCopyContext(options, false, op);
  op.emit?.({ type: "planned", packages: context.packages.length + context.tags.length, prefixSize: 0 });
  const copied = await copyImages(context, op);
  const index = context.index && (await updateIndex(context, copied, op));
  const archiveSize = await context.draft?.finish(op);
  const all = [...copied.packages, ...copied.images];
  const count = (outcome: CopyOutcome): number => all.filter((each) => each.outcome === outcome).length;
  return {
    ...placesOf(context),
    packages: copied.packages,
    images: copied.images,
    index,
    totals: {
      copied: count("copied"),
      skipped: count("skipped"),
      missing: count("missing"),
      failed: count("failed"),
      referrers: all.reduce((sum, { referrers }) => sum + referrers, 0),
      bytesSent: all.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
      archiveSize,
      durationMs: elapsed(),
    },
  };
}

function placesOf({ source, target }: CopyContext): Pick<CopyPlan, "source" | "target"> {
  return { source: formatLocation(source.location), target: formatLocation(target.location) };
}

interface WantedImage extends Pick<PlannedCopy, "tag" | "action"> {
  /** Of an image to be sent. */
  readonly blobs: readonly Descriptor[];
}

async function surveyImage(context: CopyContext, tag: string, op: Op): Promise<WantedImage> {
  const { action, descriptor } = await surveyTag(context, tag, op);
  if (descriptor === undefined || action === "skip") return { tag, action, blobs: [] };
  const { store } = context.source;
  const document = await store.read(descriptor.digest, op);
  if (document === undefined) return { tag, action: "missing", blobs: [] };
  return { tag, action, blobs: (await readImageGraph(store, document, op)).blobs };
}

/** Those of the blobs that the target doesn't have. */
async function findLacking(context: CopyContext, blobs: readonly Descriptor[], op: Op): Promise<Set<Digest>> {
  const unique = new Map(blobs.map((blob) => [blob.digest, blob]));
  const lacking = new Set<Digest>();
  await mapConcurrently(
    unique.values(),
    jobsOf(context.options),
    async (blob, signal) => {
      if (!(await context.target.store.has(blob, { ...op, signal }))) lacking.add(blob.digest);
    },
    op.signal,
  );
  return lacking;
}

/** Names in the index what the target has got, and whatever that depends on. */
async function updateIndex(
  { target, index }: CopyContext,
  { packages, specs }: ImagesCopied,
  op: Op,
): Promise<CopyResult["index"]> {
  const there = new Set(packages.filter(({ digest }) => digest !== undefined).map(({ hash }) => hash));
  const entries = new Map<string, IndexEntry>();
  for (const { nodes } of specs) {
    for (const [hash, spec] of nodes) entries.set(hash, { spec, inBuildcache: there.has(hash) });
  }
  if (entries.size === 0 && index?.installs.size === 0) return undefined;
  if (entries.size > 0) op.emit?.({ type: "step", step: "write-index", message: "updating the index" });
  return addToIndex(target.store, [...entries.values()], op);
}
