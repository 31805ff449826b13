import type { PageData, PageLayer, PagePackage } from "./page-data.js";

/** A package with what follows from the data. */
export interface Package extends PagePackage {
  /** Position in the list of all packages. */
  readonly at: number;
  /** Positions of its image's layers, each once. */
  readonly layers: readonly number[];
  /** Bytes of its own layer. */
  readonly own: number;
  /** Bytes of its image with all layers. */
  readonly whole: number;
  /** Packages that link to or run it. */
  readonly neededBy: readonly number[];
  /** Packages that need it for building or testing only. */
  readonly buildNeededBy: readonly number[];
  /** What searching looks at, in lower case. */
  readonly text: string;
}

export interface Model {
  readonly packages: readonly Package[];
  readonly layers: readonly PageLayer[];
  readonly architectures: readonly string[];
}

export function createModel(data: PageData): Model {
  const { layers, architectures } = data;
  const neededBy: number[][] = data.packages.map(() => []);
  const buildNeededBy: number[][] = data.packages.map(() => []);
  for (const [at, { runs, builds }] of data.packages.entries()) {
    for (const to of runs) neededBy[to]?.push(at);
    for (const to of builds) buildNeededBy[to]?.push(at);
  }
  const sizeAt = (at: number | undefined): number => layers[at ?? -1]?.size ?? 0;
  const packages = data.packages.map((one, at) => {
    const distinct = [...new Set(one.layers)];
    return {
      ...one,
      at,
      layers: distinct,
      own: sizeAt(one.layers.at(-1)),
      whole: distinct.reduce((sum, layer) => sum + sizeAt(layer), one.documents),
      neededBy: neededBy[at] ?? [],
      buildNeededBy: buildNeededBy[at] ?? [],
      text: `${one.name}@${one.version}/${one.hash} ${one.spec} ${architectures[one.architecture] ?? ""}`.toLowerCase(),
    };
  });
  return { packages, layers, architectures };
}

/** What is looked for. */
export interface Filter {
  /** Words that must all be in a package's text. */
  readonly words: string;
  /** Position of an architecture; undefined for all. */
  readonly architecture: number | undefined;
}

export function filterPackages(model: Model, { words, architecture }: Filter): readonly Package[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return model.packages.filter(
    (one) =>
      (architecture === undefined || one.architecture === architecture) &&
      wanted.every((word) => one.text.includes(word)),
  );
}

/** A layer of some packages' images. */
export interface SharedLayer extends PageLayer {
  /** How many of the images have it. */
  readonly images: number;
}

/** What some packages' images amount to. */
export interface Summary {
  /** Bytes of layers and documents, each layer once. */
  readonly stored: number;
  /** Bytes if the images shared nothing. */
  readonly unshared: number;
  /** Those of several images, the ones that save most first. */
  readonly shared: readonly SharedLayer[];
}

export function summarize({ layers }: Model, packages: readonly Package[]): Summary {
  const images = new Uint32Array(layers.length);
  let stored = 0;
  for (const one of packages) {
    stored += one.documents;
    for (const layer of one.layers) images[layer] = (images[layer] ?? 0) + 1;
  }
  let unshared = stored;
  const shared: SharedLayer[] = [];
  for (const [at, layer] of layers.entries()) {
    const count = images[at] ?? 0;
    unshared += layer.size * count;
    if (count > 0) stored += layer.size;
    if (count > 1) shared.push({ ...layer, images: count });
  }
  shared.sort((a, b) => savedBy(b) - savedBy(a));
  return { stored, unshared, shared };
}

/** Bytes that sharing a layer saves. */
export function savedBy({ size, images }: SharedLayer): number {
  return size * (images - 1);
}

/** How many packages need one, directly or through others. */
export function countDependents({ packages }: Model, one: Package): number {
  const seen = new Set<number>([one.at]);
  const queue = [one];
  for (const { neededBy } of queue) {
    for (const at of neededBy) {
      const next = packages[at];
      if (next === undefined || seen.has(at)) continue;
      seen.add(at);
      queue.push(next);
    }
  }
  return seen.size - 1;
}
