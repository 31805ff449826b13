import type { Digest } from "../base/digest.js";
import { digestOf } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { isBrokenImage } from "../catalog/broken-image.js";
import { formatLocation } from "../location/parse-location.js";
import { labelOf } from "../spack/concrete-spec.js";
import { isPackageTag } from "../spack/tag.js";
import { findUnneededBlobs, type SweepOptions, sweepLayout } from "../store/sweep-layout.js";
import { findYoung } from "./age.js";
import { type Decision, decide } from "./decide.js";
import { putBack, takeOut, takeOutTagless } from "./index-changes.js";
import type { PruneOptions } from "./options.js";
import { openPlace, type PrunePlace } from "./place.js";
import { planPrune as makePlan } from "./plan.js";
import { type Removal, removeImages } from "./remove.js";
import type { BlobCount, PrunedImage, PrunedImageResult, PrunePlan, PruneResult } from "./result.js";
import { checkOptions, findRoots } from "./roots.js";
import { type Survey, surveyCache, surveyNewcomers, withReferrers } from "./survey.js";

const HOUR_MS = 60 * 60 * 1000;

/**
 * What `prune` with these options would do. Writes nothing.
 * @throws SpkociError as `prune` does before it removes anything
 */
export async function planPrune(options: PruneOptions, op: Op = {}): Promise<PrunePlan> {
  return (await prepare(options, op)).plan;
}

/**
 * Removes from a cache what no root needs: first from the index, then the images with their tags, last in a folder the blobs that
 * nothing names. Blobs of a registry are left to its own garbage collection. Nothing goes that changed since the plan was made, or that
 * something needs which was pushed since. Stopped at any moment it leaves a valid cache, and the next prune goes on.
 * @throws SpkociError INVALID_ARGUMENT if nothing is to stay; SPEC_NOT_FOUND or IMAGE_NOT_FOUND for a root that the cache doesn't have;
 * ENVIRONMENT_INVALID; DELETE_UNSUPPORTED, ACCESS_DENIED or AUTHENTICATION_REQUIRED where nothing can be deleted; what the index throws
 */
export async function prune(options: PruneOptions, op: Op = {}): Promise<PruneResult> {
  const { place, survey, plan, sweep } = await prepare(options, op);
  if (isEmpty(plan)) return resultOf(plan, new Map(), { count: 0, bytes: 0 }, true);
  if (plan.images.length > 0) await checkDeletable(place, op);
  const confirmed = (await options.confirm?.(plan)) ?? true;
  if (!confirmed) return resultOf(plan, new Map(), { count: 0, bytes: 0 }, false);
  return new Pruning(place, survey, plan, options.withBuildDependencies ?? false, sweep).run(op);
}

interface Prepared {
  readonly place: PrunePlace;
  readonly survey: Survey;
  readonly plan: PrunePlan;
  readonly sweep: SweepOptions;
}

async function prepare(options: PruneOptions, op: Op): Promise<Prepared> {
  checkOptions(options);
  const now = Date.now();
  const place = await openPlace(options, op);
  let survey = await surveyCache(place.survey, op);
  const roots = await findRoots(options, survey, op);
  survey = { ...survey, specs: roots.specs };
  const withBuild = options.withBuildDependencies ?? false;
  const { newerThanMs, graceMs = HOUR_MS } = options;
  const limits = { writtenSince: now - graceMs, builtSince: newerThanMs === undefined ? undefined : now - newerThanMs };
  const { store } = place.source;
  let decision = decide(survey, roots, withBuild);
  const young = await findYoung(store, survey, decision, place.writtenAt, limits, place.survey.jobs, op);
  const allRoots = { hashes: roots.hashes, images: new Map([...roots.images, ...young]) };
  decision = decide(survey, allRoots, withBuild);
  if (place.folder === undefined) {
    survey = await surveyReferrers(place, survey, decision, op);
    decision = decide(survey, allRoots, withBuild);
  }
  const removed = new Set([...survey.images.keys()].filter((digest) => !decision.images.has(digest)));
  const sweep = { writtenSince: limits.writtenSince, without: removed };
  const blobs = place.folder === undefined ? undefined : await countBlobs(place.folder, sweep, op);
  const plan = makePlan(formatLocation(place.source.location), survey, decision, blobs);
  if (plan.images.length > 0 && plan.kept.length + plan.otherTags.length === 0) throw nothingStays();
  return { place, survey, plan, sweep };
}

function nothingStays(): SpkociError {
  return new SpkociError("INVALID_ARGUMENT", "everything in the cache would be removed", {
    hint: "Delete the folder or repository itself if that is what you want.",
  });
}

/** Referrers of images that go, and of these referrers. A registry lists them by their subject only. */
async function surveyReferrers(place: PrunePlace, survey: Survey, decision: Decision, op: Op): Promise<Survey> {
  const asked = new Set<Digest>();
  let known = survey;
  for (;;) {
    const next = [...known.images.keys()].filter((digest) => !decision.images.has(digest) && !asked.has(digest));
    if (next.length === 0) return known;
    for (const digest of next) asked.add(digest);
    known = await withReferrers(place.survey, known, next, op);
  }
}

/** A damaged document stops the sweep, not the prune. */
async function countBlobs(folder: string, sweep: SweepOptions, op: Op): Promise<BlobCount> {
  try {
    const blobs = await findUnneededBlobs(folder, sweep, op);
    return { count: blobs.length, bytes: blobs.reduce((sum, { size }) => sum + size, 0) };
  } catch (error) {
    if (!isBrokenImage(error)) throw error;
    op.emit?.({ type: "warning", message: `no blobs are removed: ${error.message}`, ...hintOf(error) });
    return { count: 0, bytes: 0 };
  }
}

function hintOf({ hint }: SpkociError): { readonly hint?: string } {
  return hint === undefined ? {} : { hint };
}

function isEmpty({ images, indexOnly, blobs }: PrunePlan): boolean {
  return images.length + indexOnly.length + (blobs?.count ?? 0) === 0;
}

/**
 * The index must not lose packages that can't be deleted, so the registry is asked first to delete what isn't there. Of GitHub is known
 * what it tells of the token.
 */
async function checkDeletable({ source, gitHub, folder }: PrunePlace, op: Op): Promise<void> {
  if (gitHub !== undefined || folder !== undefined) return;
  try {
    await source.store.delete(digestOf("spkoci prune asks whether manifests can be deleted"), op);
  } catch (error) {
    if (!(error instanceof SpkociError) || error.code !== "DELETE_UNSUPPORTED") throw error;
    const { hint, code } = error;
    throw new SpkociError(code, `${source.store.name} doesn't let manifests be deleted; nothing was changed`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

function isRemoved(removals: ReadonlyMap<Digest, Removal>, digest: Digest): boolean {
  return removals.get(digest)?.outcome === "removed";
}

/** A plan being carried out. */
class Pruning {
  readonly #place: PrunePlace;
  readonly #plan: PrunePlan;
  readonly #withBuild: boolean;
  readonly #sweep: SweepOptions;
  #survey: Survey;
  /** Images that stay after all. */
  readonly #exempt = new Set<Digest>();

  constructor(place: PrunePlace, survey: Survey, plan: PrunePlan, withBuild: boolean, sweep: SweepOptions) {
    this.#place = place;
    this.#survey = survey;
    this.#plan = plan;
    this.#withBuild = withBuild;
    this.#sweep = sweep;
  }

  async run(op: Op): Promise<PruneResult> {
    const { store } = this.#place.source;
    await this.#exemptNewlyNeeded(op);
    const unnamed = this.#lostWith(this.#going());
    await takeOut(store, unnamed, op);
    await this.#exemptNewlyNeeded(op);
    const removals = new Map(await removeImages(this.#place, this.#going(), op));
    for (const digest of this.#exempt) removals.set(digest, { outcome: "left" });
    const lost = new Set(this.#lostWith(this.#plan.images.filter(({ digest }) => isRemoved(removals, digest))));
    await putBack(
      store,
      unnamed.filter((hash) => !lost.has(hash)),
      this.#survey,
      op,
    );
    await takeOutTagless(store, [...lost], op);
    await this.#warnOfLost(lost, op);
    return resultOf(this.#plan, removals, await this.#sweepBlobs(op), true);
  }

  #going(): readonly PrunedImage[] {
    return this.#plan.images.filter(({ digest }) => !this.#exempt.has(digest));
  }

  /** DAG hashes of packages that the index had and that the cache lacks without these images. */
  #lostWith(images: readonly PrunedImage[]): string[] {
    const without = new Set(images.map(({ digest }) => digest));
    const left = new Set<string>();
    const lost = new Set<string>();
    for (const { digest, tags, hashes } of this.#survey.images.values()) {
      const holds = without.has(digest) ? lost : tags.some(isPackageTag) ? left : undefined;
      for (const hash of hashes) holds?.add(hash);
    }
    return [...lost].filter((hash) => this.#survey.indexed.has(hash) && !left.has(hash));
  }

  /** Leaves what is new or has moved since the plan was made, and what it needs. */
  async #exemptNewlyNeeded(op: Op): Promise<void> {
    const going = this.#going();
    const survey = this.#survey;
    const watched = going.flatMap(({ tags }) => tags);
    const found = await surveyNewcomers(this.#place.survey, survey, watched, op);
    if (found.images.size === 0) return;
    const moved = going.filter(({ tags }) => tags.some((tag) => found.tags.has(tag)));
    const images = new Map([...survey.images, ...found.images]);
    for (const [digest, { tags }] of found.images) {
      const earlier = survey.images.get(digest);
      if (earlier !== undefined) images.set(digest, { ...earlier, tags: [...new Set([...earlier.tags, ...tags])] });
    }
    this.#survey = { ...survey, images, specs: found.specs, tags: new Map([...survey.tags, ...found.tags]) };
    const roots = new Map(
      [...found.images.keys(), ...moved.map(({ digest }) => digest)].map((digest) => [digest, "grace"] as const),
    );
    const decision = decide(this.#survey, { hashes: new Map(), images: roots }, this.#withBuild);
    for (const { digest } of going) if (decision.images.has(digest)) this.#exempt.add(digest);
  }

  /** Tells of packages that were pushed while others went that they need. */
  async #warnOfLost(lost: ReadonlySet<string>, op: Op): Promise<void> {
    const found = await surveyNewcomers(this.#place.survey, this.#survey, [], op);
    if (found.images.size === 0) return;
    const roots = {
      hashes: new Map(),
      images: new Map([...found.images.keys()].map((digest) => [digest, "grace"] as const)),
    };
    const broken = [...decide(found, roots, this.#withBuild).hashes.keys()].flatMap((hash) =>
      lost.has(hash) ? (found.specs.get(hash) ?? []) : [],
    );
    if (broken.length === 0) return;
    op.emit?.({
      type: "warning",
      message: `packages that were pushed meanwhile need what was removed: ${broken.map(labelOf).join(", ")}`,
      hint: "Push them again.",
    });
  }

  async #sweepBlobs(op: Op): Promise<BlobCount | undefined> {
    const { folder } = this.#place;
    if (folder === undefined) return undefined;
    op.emit?.({ type: "step", step: "sweep", message: "Removing blobs that nothing needs" });
    const swept = { count: 0, bytes: 0 };
    const onRemoved = ({ size }: { readonly size: number }): void => {
      swept.count += 1;
      swept.bytes += size;
    };
    try {
      await sweepLayout(folder, { writtenSince: this.#sweep.writtenSince }, onRemoved, op);
    } catch (error) {
      // The plan has warned of it.
      if (!isBrokenImage(error)) throw error;
    }
    return swept;
  }
}

function resultOf(
  plan: PrunePlan,
  removals: ReadonlyMap<Digest, Removal>,
  swept: BlobCount | undefined,
  confirmed: boolean,
): PruneResult {
  const images = plan.images.map(
    (image): PrunedImageResult => ({ ...image, ...(removals.get(image.digest) ?? { outcome: "left" }) }),
  );
  const count = (wanted: PrunedImageResult["outcome"]): number =>
    images.filter(({ outcome }) => outcome === wanted).length;
  const removedBytes = images.reduce((sum, { outcome, bytes }) => sum + (outcome === "removed" ? bytes : 0), 0);
  const isFolder = plan.blobs !== undefined;
  return {
    ...plan,
    images,
    ...(isFolder ? { blobs: swept } : {}),
    confirmed,
    totals: {
      removed: count("removed"),
      left: count("left"),
      failed: count("failed"),
      bytes: isFolder ? (swept?.bytes ?? 0) : removedBytes,
    },
  };
}
