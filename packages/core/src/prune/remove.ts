import { mapConcurrently } from "../base/concurrency.js";
import type { Digest } from "../base/digest.js";
import { asSpkociError, SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { StepProgress } from "../base/step-progress.js";
import type { Store } from "../oci/store.js";
import type { GitHubPackages, GitHubVersion } from "../registry/github-packages.js";
import { RegistryError } from "../registry/registry-error.js";
import { IndexFile } from "../store/index-file.js";
import { LayoutIndex } from "../store/layout-index.js";
import type { PrunePlace } from "./place.js";
import type { PrunedImage, PrunedImageResult, PruneOutcome } from "./result.js";

/** What became of one image. */
export type Removal = Pick<PrunedImageResult, "outcome" | "error">;

/**
 * Removes images with their tags, in their order as far as one needs another gone first. One whose tags name something else by now is
 * left. After a refusal that would meet every image nothing more is tried.
 */
export async function removeImages(
  place: PrunePlace,
  images: readonly PrunedImage[],
  op: Op,
): Promise<ReadonlyMap<Digest, Removal>> {
  op.emit?.({ type: "step", step: "remove", message: "Removing images" });
  if (place.folder !== undefined) return removeFromFolder(place.folder, images, op);
  const removals = new Map<Digest, Removal>();
  const progress = new StepProgress(op.emit, "remove", "packages", images.length);
  const removeOne = removerFor(place);
  let refusal: Removal | undefined;
  const remove = async (image: PrunedImage, signal: AbortSignal | undefined): Promise<void> => {
    const removal = refusal ?? (await outcomeOf(() => removeOne(image, { ...op, signal }), signal));
    if (HOPELESS.has(removal.error?.code ?? "")) refusal ??= removal;
    removals.set(image.digest, removal);
    progress.add(1);
  };
  // What is about others, or names them, goes before them; and the first one shows whether any can go.
  const goesAlone = ({ kind }: PrunedImage, at: number): boolean => at === 0 || kind !== "package";
  for (const image of images.filter(goesAlone)) await remove(image, op.signal);
  const others = images.filter((image, at) => !goesAlone(image, at));
  await mapConcurrently(others, place.survey.jobs, remove, op.signal);
  progress.end();
  return removals;
}

/** Codes of errors that every other image would meet too. */
const HOPELESS: ReadonlySet<string> = new Set(["DELETE_UNSUPPORTED", "ACCESS_DENIED", "AUTHENTICATION_REQUIRED"]);

async function outcomeOf(remove: () => Promise<PruneOutcome>, signal: AbortSignal | undefined): Promise<Removal> {
  try {
    return { outcome: await remove() };
  } catch (error) {
    signal?.throwIfAborted();
    return failed(asSpkociError(error));
  }
}

function failed({ code, message, hint }: SpkociError): Removal {
  return { outcome: "failed", error: { code, message, hint } };
}

/** One change of `index.json`, in which images go whose tags are as planned. */
async function removeFromFolder(
  folder: string,
  images: readonly PrunedImage[],
  op: Op,
): Promise<ReadonlyMap<Digest, Removal>> {
  const planned = new Map(images.flatMap(({ digest, tags }) => tags.map((tag) => [tag, digest] as const)));
  const going = new Set(images.map(({ digest }) => digest));
  const index = new LayoutIndex(new IndexFile(folder));
  await index.removeAll((entries) => {
    for (const { digest, tag } of entries) {
      const expected = tag === undefined ? digest : planned.get(tag);
      if (digest === expected) continue;
      // The tag is new, or has moved.
      for (const moved of [digest, expected]) if (moved !== undefined) going.delete(moved);
    }
    return new Set(entries.filter(({ digest }) => digest !== undefined && going.has(digest)));
  }, op);
  return new Map(images.map(({ digest }) => [digest, { outcome: going.has(digest) ? "removed" : "left" }]));
}

function removerFor({ source, gitHub }: PrunePlace): (image: PrunedImage, op: Op) => Promise<PruneOutcome> {
  if (gitHub === undefined) return (image, op) => removeFromRegistry(source.store, image, op);
  return (image, op) => removeFromGitHub(gitHub.packages, gitHub.versions.get(image.digest), image, op);
}

async function removeFromRegistry(store: Store, { digest, tags }: PrunedImage, op: Op): Promise<PruneOutcome> {
  for (const tag of tags) {
    const now = await store.resolve(tag, op);
    if (now !== undefined && now.digest !== digest) return "left";
  }
  if (await deleteTagged(store, digest, tags, op)) return "removed";
  // Some registries say that there is no such thing where they don't delete.
  if ((await store.resolve(digest, op)) === undefined) return "removed";
  throw new SpkociError("DELETE_UNSUPPORTED", `${store.name} still has ${digest} after it was deleted`, {
    hint: "Delete by the registry's own means.",
  });
}

async function deleteTagged(store: Store, digest: Digest, tags: readonly string[], op: Op): Promise<boolean> {
  try {
    return await store.delete(digest, op);
  } catch (error) {
    if (!hasToBeUntagged(error)) throw error;
    for (const tag of tags) await store.delete(tag, op);
    return store.delete(digest, op);
  }
}

/** Google's registries delete a manifest only when no tag names it any more. */
function hasToBeUntagged(error: unknown): boolean {
  return error instanceof RegistryError && error.errors.some(({ code }) => code === "GOOGLE_MANIFEST_DANGLING_TAG");
}

async function removeFromGitHub(
  packages: GitHubPackages,
  version: GitHubVersion | undefined,
  { digest, tags }: PrunedImage,
  op: Op,
): Promise<PruneOutcome> {
  const now = version && (await packages.readVersion(version.id, op));
  if (now === undefined) return "removed";
  const isPlanned = now.digest === digest && now.tags.every((tag) => tags.includes(tag));
  if (!isPlanned || now.tags.length < tags.length) return "left";
  await packages.deleteVersion(now.id, op);
  return "removed";
}
