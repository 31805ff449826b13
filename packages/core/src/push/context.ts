import { mapConcurrently } from "../base/concurrency.js";
import { isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { BaseImage } from "../image/base-image.js";
import { readBaseImage } from "../image/base-image.js";
import { compressionSettings } from "../layer/compression.js";
import { prepareSpool } from "../layer/spool.js";
import { openLocation } from "../location/open-location.js";
import { formatLocation, type Location, parseImageLocation, parseLocation } from "../location/parse-location.js";
import { formatPlatform, goArchitecture, type Platform } from "../oci/platform.js";
import { formatImageReference, isTag } from "../oci/reference.js";
import type { Store } from "../oci/store.js";
import type { RegistryAccess } from "../registry/access.js";
import { closureOf } from "../spack/closure.js";
import { type InstallRecord, type InstallStore, readInstallStore } from "../spack/install-store.js";
import { selectSpecs } from "../spack/select-specs.js";
import { INDEX_TAG, isPackageTag } from "../spack/tag.js";
import type { PushOptions } from "./options.js";
import { PackageSpecs } from "./package-specs.js";

/** What a push reads before it decides anything. */
export interface PushContext {
  readonly options: PushOptions;
  readonly store: InstallStore;
  readonly specs: PackageSpecs;
  /** The chosen packages. */
  readonly roots: readonly InstallRecord[];
  /** What is pushed, dependencies first. */
  readonly packages: readonly InstallRecord[];
  readonly target: Store;
  readonly location: Location;
  /** The base image by platform (`linux/amd64`); empty without one. */
  readonly bases: ReadonlyMap<string, OpenBase>;
}

/** A base image and where its blobs come from. */
export interface OpenBase {
  readonly image: BaseImage;
  readonly store: Store;
  readonly location: Location;
}

/** What to do where the cache folder can't be used. */
export const CACHE_HINT = "Choose another folder with --cache-dir.";

/**
 * Reads the store, chooses, finds the base image and opens the target. Writes nothing, but makes the spool's and the target's folder
 * unless `dryRun`.
 * @throws SpkociError of checking options, reading, choosing or opening: INVALID_REFERENCE, INVALID_ARGUMENT, UNSUPPORTED_COMPRESSION,
 * STORE_NOT_FOUND, SPEC_NOT_FOUND, AMBIGUOUS_SPEC, …
 */
export async function readPushContext(options: PushOptions, dryRun: boolean, op: Op): Promise<PushContext> {
  const location = parseLocation(options.target);
  checkTag(options.tag);
  compressionSettings(options.compression ?? "gzip", options.compressionLevel);
  op.emit?.({ type: "step", step: "read-store", message: `reading the store ${options.store}` });
  const store = await readInstallStore(
    { root: options.store, sysroot: options.sysroot, upstreams: options.upstreams },
    op,
  );
  const roots = await selectSpecs(store, options, op);
  const { packages, notInstalled } = closureOf(store, roots, options);
  for (const record of notInstalled) {
    op.emit?.({
      type: "warning",
      message: `${record.spec.name}@${record.spec.version} is not installed and not pushed`,
    });
  }
  const bases = await readBases(options, location, packages, op);
  if (!dryRun) await prepareSpool(options.cacheDir, CACHE_HINT);
  // Last: where anything else is wrong, no target is made.
  const target = await openLocation(location, options.access ?? {}, dryRun ? "plan" : "write");
  return { options, store, specs: new PackageSpecs(store), roots, packages, target, location, bases };
}

/** The platform that a package's image is for. */
export function platformOf(record: InstallRecord): Platform {
  return { os: record.spec.arch.platform, architecture: goArchitecture(record.spec.arch.family) };
}

/** The base image for a package, if there is one. */
export function baseFor(context: PushContext, record: InstallRecord): OpenBase | undefined {
  return context.bases.get(formatPlatform(platformOf(record)));
}

async function readBases(
  options: PushOptions,
  target: Location,
  packages: readonly InstallRecord[],
  op: Op,
): Promise<Map<string, OpenBase>> {
  const bases = new Map<string, OpenBase>();
  if (options.baseImage === undefined) return bases;
  const { location, reference } = parseImageLocation(options.baseImage);
  op.emit?.({ type: "step", step: "read-base", message: `reading the base image ${options.baseImage}` });
  const store = await openLocation(location, accessForBase(options.access ?? {}, location, target), "read");
  const tag = reference ?? (await onlyTag(store));
  const name = options.baseImage;
  const platforms = new Map(packages.map((record) => [formatPlatform(platformOf(record)), platformOf(record)]));
  await mapConcurrently(
    platforms,
    2,
    async ([key, wanted], signal) => {
      const request = { name, reference: baseReference(location, tag), platform: options.platform, wanted };
      const image = await readBaseImage(store, tag, request, { ...op, signal });
      bases.set(key, { image, store, location });
    },
    op.signal,
  );
  return bases;
}

/** Plain http is meant for the target's registry; another registry's base image needs `oci+http://` to be read that way. */
function accessForBase(access: RegistryAccess, base: Location, target: Location): RegistryAccess {
  if (base.kind !== "registry" || target.kind !== "registry" || !access.plainHttp) return access;
  return base.repository.registry === target.repository.registry ? access : { ...access, plainHttp: false };
}

/** What the annotation base.name says; a folder's name means nothing elsewhere. */
function baseReference(location: Location, tag: string): string | undefined {
  if (location.kind !== "registry") return undefined;
  return formatImageReference({ ...location.repository, ...(isDigest(tag) ? { digest: tag } : { tag }) });
}

async function onlyTag(store: Store): Promise<string> {
  const tags: string[] = [];
  for await (const tag of store.tags()) tags.push(tag);
  if (tags.length === 1) return tags[0] as string;
  throw new SpkociError(
    "IMAGE_NOT_FOUND",
    `${store.name} has ${tags.length} images; the base image must be one of them`,
    {
      hint: tags.length === 0 ? "Name a folder with an image." : `Name one: ${tags.slice(0, 5).join(", ")}.`,
    },
  );
}

function checkTag(tag: string | undefined): void {
  if (tag === undefined) return;
  if (isTag(tag) && !isPackageTag(tag) && tag !== INDEX_TAG) return;
  throw new SpkociError(
    "INVALID_ARGUMENT",
    `${JSON.stringify(tag)} can't be the tag of an image over several packages`,
    {
      hint: "A tag is at most 128 letters, digits and . _ - and doesn't end in .spack, which marks packages.",
    },
  );
}

/** For messages: where the packages go. */
export function targetName(context: PushContext): string {
  return formatLocation(context.location);
}

const DEFAULT_JOBS = 8;

/** Packages and transfers at once. */
export function jobsOf(options: PushOptions): number {
  return options.jobs ?? DEFAULT_JOBS;
}
