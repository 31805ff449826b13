import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { type CacheSource, openSources } from "../catalog/cache-source.js";
import type { CacheIndex } from "../catalog/index-document.js";
import { type CacheContents, listPackages, packagesAtTags } from "../catalog/list-packages.js";
import { matchPackages, parseQueries, tagMayMatch } from "../catalog/package-query.js";
import { readIndex } from "../catalog/read-index.js";
import { openLocation } from "../location/open-location.js";
import { formatLocation, type Location, parseLocation } from "../location/parse-location.js";
import { isTag } from "../oci/reference.js";
import type { Store } from "../oci/store.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { hashInTag, INDEX_TAG, isPackageTag, packageTag } from "../spack/tag.js";
import { type ArchiveDraft, draftArchive } from "../store/archive.js";
import type { CopyOptions } from "./options.js";
import { type PackageItem, selectPackages } from "./plan.js";

/** What a copy knows before it looks at single images. */
export interface CopyContext {
  readonly options: CopyOptions;
  readonly source: CacheSource;
  readonly target: { readonly store: Store; readonly location: Location };
  /** The tar to finish, if the target is one. */
  readonly draft: ArchiveDraft | undefined;
  /** Dependencies first. */
  readonly packages: readonly PackageItem[];
  /** Other tags whose images are copied. */
  readonly tags: readonly string[];
  /** The target's index; undefined if it is left alone. */
  readonly index: CacheIndex | undefined;
}

const DEFAULT_JOBS = 8;

/** Packages and transfers at once. */
export function jobsOf(options: CopyOptions): number {
  return options.jobs ?? DEFAULT_JOBS;
}

/**
 * Opens source and target and finds out what is to be copied. Writes nothing, but makes the target's folder unless `dryRun`, once it is
 * clear that there is something to copy.
 * @throws SpkociError INVALID_REFERENCE, INVALID_ARGUMENT, SPEC_NOT_FOUND, IMAGE_NOT_FOUND, DOCUMENT_INVALID, …
 */
export async function readCopyContext(options: CopyOptions, dryRun: boolean, op: Op): Promise<CopyContext> {
  const location = parseLocation(options.target);
  checkPlaces(options, location);
  checkTags(options.tags ?? []);
  const access = options.access ?? {};
  const queries = parseQueries(options.queries ?? []);
  const [source] = (await openSources([options.source], access)) as [CacheSource];
  op.emit?.({ type: "step", step: "list", message: `looking at what ${source.store.name} has` });
  const contents = await listPackages(source, (tag) => tagMayMatch(tag, queries), op);
  const all = queries.length === 0 ? await withUnnamed(source.store, contents, op) : contents;
  const chosen = matchPackages(all, queries, source.store.name).toSorted(byTag);
  const { items, unknown } = selectPackages(all, chosen, {
    noDeps: (options.noDeps ?? false) || queries.length === 0,
    required: queries.length > 0,
  });
  for (const { name, hash } of unknown) warnOfUnknown(name, hash, source.store, op);
  const tags = await otherTags(source.store, options, op);
  if (items.length + tags.length === 0) throw nothingThere(source.store);
  const draft = location.kind === "archive" && !dryRun ? await draftArchive(location.file, op) : undefined;
  const store = draft?.store ?? (await openLocation(location, access, dryRun ? "plan" : "write", op));
  const index = (options.updateIndex ?? true) ? (await readIndex(store, op)).index : undefined;
  return { options, source, target: { store, location }, draft, packages: items, tags, index };
}

function byTag(a: ConcreteSpec, b: ConcreteSpec): number {
  return packageTag(a) < packageTag(b) ? -1 : 1;
}

/** With the packages that have a tag but aren't named in the index, such as those of a push whose index was lost. */
async function withUnnamed(store: Store, contents: CacheContents, op: Op): Promise<CacheContents> {
  if (!contents.indexed) return contents;
  const isUnnamed = (tag: string): boolean => !contents.hashes.has(hashInTag(tag) ?? "");
  const unnamed = await packagesAtTags(store, isUnnamed, op);
  const known = new Map<string, ConcreteSpec>([...unnamed.known, ...contents.known]);
  return { ...contents, packages: [...contents.packages, ...unnamed.packages], known };
}

/** A cache is not a source of itself: two spellings of one place are harmless, since everything is there. */
function checkPlaces({ source, target }: CopyOptions, location: Location): void {
  if (formatLocation(parseLocation(source)) !== formatLocation(location)) return;
  throw new SpkociError("INVALID_ARGUMENT", `${target} is both source and target`, { hint: "Name two places." });
}

function checkTags(tags: readonly string[]): void {
  for (const tag of tags) {
    if (isTag(tag) && isOtherTag(tag)) continue;
    const isPackage = isPackageTag(tag);
    throw new SpkociError(
      "INVALID_ARGUMENT",
      `${JSON.stringify(tag.slice(0, 200))} can't be copied as a tag of its own`,
      {
        hint: isPackage
          ? "It is a package's: name the package, such as by its /hash."
          : "Name the tag of an image over several packages. The index and what refers to images are copied in any case.",
      },
    );
  }
}

const REFERRERS_TAG = /^sha256-[0-9a-f]{64}$/;

/** Not a package's, nor the index's, nor a list of referrers. */
function isOtherTag(tag: string): boolean {
  return !isPackageTag(tag) && tag !== INDEX_TAG && !REFERRERS_TAG.test(tag);
}

async function otherTags(store: Store, { tags = [], allTags }: CopyOptions, op: Op): Promise<string[]> {
  const chosen = new Set(tags);
  for (const tag of chosen) {
    if ((await store.resolve(tag, op)) !== undefined) continue;
    throw new SpkociError("IMAGE_NOT_FOUND", `${store.name} has no image under the tag ${tag}`, {
      hint: "Check the name. --all-tags copies every image under a tag that is no package's.",
    });
  }
  if (allTags) {
    for await (const tag of store.tags(op)) if (isOtherTag(tag)) chosen.add(tag);
  }
  return [...chosen].sort();
}

function warnOfUnknown(name: string, hash: string, store: Store, op: Op): void {
  op.emit?.({
    type: "warning",
    message: `${store.name} doesn't have ${name}/${hash.slice(0, 7)}, which is needed to run what is copied`,
    hint: "Push it to the source, or install with another source beside the copy.",
  });
}

function nothingThere(store: Store): SpkociError {
  return new SpkociError("SPEC_NOT_FOUND", `${store.name} has no packages`, {
    hint: "Check the name of the source. Images under other tags are copied with --tag or --all-tags.",
  });
}
