import type { Digest } from "../base/digest.js";
import type { Descriptor } from "../oci/descriptor.js";
import { formatSpec } from "../spack/format-spec.js";
import { comparePackages } from "./list.js";
import type { FoundImage, FoundImages } from "./read-images.js";
import type { CacheReport, ReportedLayer, ReportedPackage, ReportTotals } from "./report-result.js";

/** Brings what was read of a cache's images into the form and order of a report. */
export function assembleReport(source: string, indexed: boolean, { found, broken }: FoundImages): CacheReport {
  const images = found.toSorted((a, b) => comparePackages(a.spec, b.spec));
  const layers = new LayerTable(images);
  const packages = images.map(({ spec, reference, image }) => ({
    name: spec.name,
    version: spec.version,
    hash: spec.hash,
    spec: formatSpec(spec),
    arch: spec.arch,
    image: reference,
    digest: image.digest,
    layers: layers.add(image.layers),
    documentSize: image.documentSize,
    created: image.created,
    dependencies: spec.dependencies,
  }));
  const sorted = broken.toSorted((a, b) => (a.image < b.image ? -1 : 1));
  const report = { source, indexed, packages, layers: layers.rows, broken: sorted };
  return { ...report, totals: totalsOf(packages, layers.rows, sorted.length) };
}

/** The different layers of images. */
class LayerTable {
  readonly rows: { -readonly [K in keyof ReportedLayer]: ReportedLayer[K] }[] = [];
  readonly #positions = new Map<Digest, number>();
  readonly #owners: ReadonlyMap<Digest, string>;

  constructor(images: readonly FoundImage[]) {
    this.#owners = ownersOf(images);
  }

  /** The positions of an image's layers, each of which it counts once. */
  add(layers: readonly Descriptor[]): number[] {
    const positions = layers.map((layer) => this.#positionOf(layer));
    for (const position of new Set(positions)) {
      const row = this.rows[position];
      if (row !== undefined) row.images += 1;
    }
    return positions;
  }

  #positionOf({ digest, size }: Descriptor): number {
    const position = this.#positions.get(digest) ?? this.rows.length;
    if (position === this.rows.length) {
      this.#positions.set(digest, position);
      this.rows.push({ digest, size, images: 0, package: this.#owners.get(digest) });
    }
    return position;
  }
}

/** The package that each layer is of: it's the last one of its image. Of packages with the same layer, the first counts. */
function ownersOf(images: readonly FoundImage[]): ReadonlyMap<Digest, string> {
  const owners = new Map<Digest, string>();
  for (const { spec, image } of images) {
    const own = image.layers.at(-1);
    if (own !== undefined && !owners.has(own.digest)) owners.set(own.digest, spec.hash);
  }
  return owners;
}

function totalsOf(
  packages: readonly ReportedPackage[],
  layers: readonly ReportedLayer[],
  broken: number,
): ReportTotals {
  const documents = packages.reduce((sum, { documentSize }) => sum + documentSize, 0);
  const stored = layers.reduce((sum, { size }) => sum + size, documents);
  const unshared = layers.reduce((sum, { size, images }) => sum + size * images, documents);
  return { packages: packages.length, broken, layers: layers.length, storedSize: stored, unsharedSize: unshared };
}
