import { mapConcurrently } from "../base/concurrency.js";
import type { Op } from "../base/op.js";
import { StepProgress } from "../base/step-progress.js";
import { isBrokenImage } from "../catalog/broken-image.js";
import type { CacheSource } from "../catalog/cache-source.js";
import type { CacheIndex } from "../catalog/index-document.js";
import { packagesInIndex } from "../catalog/list-packages.js";
import type { PackageQuery } from "../catalog/package-query.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { isPackageTag, packageTag } from "../spack/tag.js";
import { choosePackages } from "./choose-packages.js";
import { type PackageImage, readPackageImage, readTaggedImage } from "./read-image.js";
import type { BrokenImage } from "./report-result.js";

/** A package and what its image says. */
export interface FoundImage {
  readonly spec: ConcreteSpec;
  /** Reference to the image. */
  readonly reference: string;
  readonly image: PackageImage;
}

export interface FoundImages {
  readonly found: readonly FoundImage[];
  readonly broken: readonly BrokenImage[];
}

/** The images of the packages that an index names and that are asked for. */
export function readIndexedImages(
  index: CacheIndex,
  source: CacheSource,
  queries: readonly PackageQuery[],
  jobs: number,
  op: Op,
): Promise<FoundImages> {
  const specs = choosePackages(packagesInIndex(index, source, op), queries, source.store.name);
  const read = async (spec: ConcreteSpec, each: Op): Promise<FoundImage> => {
    const image = await readPackageImage(source, spec, each);
    return { spec, image, reference: source.imageAt(packageTag(spec)) };
  };
  return readEach(specs, (spec) => source.imageAt(packageTag(spec)), read, jobs, op);
}

/** The images of all package tags, of which those that are asked for remain. */
export async function readTaggedImages(
  source: CacheSource,
  queries: readonly PackageQuery[],
  jobs: number,
  op: Op,
): Promise<FoundImages> {
  const tags: string[] = [];
  for await (const tag of source.store.tags(op)) if (isPackageTag(tag)) tags.push(tag);
  const known = new Map<string, ConcreteSpec>();
  const read = async (tag: string, each: Op): Promise<FoundImage> => {
    const { image, spec } = await readTaggedImage(source, tag, each);
    for (const [hash, node] of spec.nodes) known.set(hash, node);
    return { spec: spec.root, image, reference: source.imageAt(tag) };
  };
  const { found, broken } = await readEach(tags, source.imageAt, read, jobs, op);
  const packages = found.map(({ spec }) => spec);
  const chosen = new Set(choosePackages({ packages, known }, queries, source.store.name).map(({ hash }) => hash));
  return { found: found.filter(({ spec }) => chosen.has(spec.hash)), broken };
}

async function readEach<T>(
  items: readonly T[],
  referenceOf: (item: T) => string,
  read: (item: T, op: Op) => Promise<FoundImage>,
  jobs: number,
  op: Op,
): Promise<FoundImages> {
  const broken: BrokenImage[] = [];
  op.emit?.({ type: "step", step: "images", message: "reading the images" });
  const progress = new StepProgress(op.emit, "images", "packages", items.length);
  const readOne = async (item: T, signal: AbortSignal): Promise<FoundImage | undefined> => {
    try {
      return await read(item, { ...op, signal });
    } catch (error) {
      if (!isBrokenImage(error)) throw error;
      op.emit?.({ type: "warning", message: `passed over: ${error.message}` });
      broken.push({ image: referenceOf(item), code: error.code, message: error.message });
      return undefined;
    } finally {
      progress.add(1);
    }
  };
  const found = await mapConcurrently(items, jobs, readOne, op.signal);
  progress.end();
  return { found: found.filter((one) => one !== undefined), broken };
}
