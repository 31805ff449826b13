import type { Digest } from "../base/digest.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import type { KeepReason } from "./result.js";
import type { Survey, SurveyedImage } from "./survey.js";

/** What stays in any case, and why; whatever it needs stays with it. */
export interface Roots {
  /** Packages by DAG hash. */
  readonly hashes: ReadonlyMap<string, KeepReason>;
  readonly images: ReadonlyMap<Digest, KeepReason>;
}

/** What stays, and why. */
export interface Decision {
  /** DAG hashes of packages that stay, and of all that they depend on, whether the cache has it or not. */
  readonly hashes: ReadonlyMap<string, KeepReason>;
  readonly images: ReadonlyMap<Digest, KeepReason>;
}

/**
 * What stays with the roots: packages that they depend on to be linked and run, and with `withBuildDependencies` to be built; the
 * images of all these packages; the manifests that indexes name; and what is about an image that stays.
 */
export function decide(survey: Survey, roots: Roots, withBuildDependencies: boolean): Decision {
  const hashes = new Map<string, KeepReason>();
  const images = new Map<Digest, KeepReason>();
  // An image of a package that has lost its tag to a newer one is no use.
  const byHash = groupBy([...survey.images.values()], ({ tags, hashes }) => (tags.length > 0 ? hashes : []));
  const bySubject = groupBy([...survey.images.values()], ({ subject }) => (subject === undefined ? [] : [subject]));
  const waiting: (() => void)[] = [];

  const keepHash = (hash: string, why: KeepReason): void => {
    if (hashes.has(hash)) return;
    hashes.set(hash, why);
    waiting.push(() => {
      for (const image of byHash.get(hash) ?? []) keepImage(image, why);
      const spec = survey.specs.get(hash);
      for (const needed of spec ? needsOf(spec, withBuildDependencies) : []) keepHash(needed, "dependency");
    });
  };
  const keepImage = (image: SurveyedImage, why: KeepReason): void => {
    if (images.has(image.digest)) return;
    images.set(image.digest, why);
    waiting.push(() => {
      for (const hash of image.hashes) keepHash(hash, why);
      const children = image.children.flatMap((digest) => survey.images.get(digest) ?? []);
      for (const part of [...children, ...(bySubject.get(image.digest) ?? [])]) keepImage(part, "part");
    });
  };

  for (const [hash, why] of roots.hashes) keepHash(hash, why);
  for (const [digest, why] of roots.images) {
    const image = survey.images.get(digest);
    if (image !== undefined) keepImage(image, why);
  }
  for (const next of waiting) next();
  return { hashes, images };
}

/** DAG hashes that a package can't do without; a spliced one is installed from what it was built as. */
function needsOf(spec: ConcreteSpec, withBuildDependencies: boolean): string[] {
  const kinds = withBuildDependencies ? ["link", "run", "build"] : ["link", "run"];
  const edges = spec.dependencies.filter(({ deptypes }) => deptypes.some((kind) => kinds.includes(kind)));
  return [...edges.map(({ hash }) => hash), ...(spec.buildSpec === undefined ? [] : [spec.buildSpec])];
}

function groupBy<T, K>(items: readonly T[], keysOf: (item: T) => readonly K[]): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
  }
  return groups;
}
