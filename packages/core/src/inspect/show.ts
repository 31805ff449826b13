import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { StepProgress } from "../base/step-progress.js";
import { collect } from "../base/streams.js";
import { type CacheSource, openSources } from "../catalog/cache-source.js";
import { type CachedSpec, checkIdentity, parseCachedSpec } from "../catalog/cached-spec.js";
import { type CacheContents, listPackages } from "../catalog/list-packages.js";
import {
  haveManyNames,
  matchPackages,
  type PackageQuery,
  parseQueries,
  severalMatch,
  tagMayMatch,
} from "../catalog/package-query.js";
import { type ExistingImage, readExistingImage } from "../image/existing-image.js";
import { measureLayer } from "../layer/measure-layer.js";
import { CONFIG_LIMIT, type ImageConfig, parseImageConfig } from "../oci/image-config.js";
import { parseManifest } from "../oci/manifest.js";
import type { RegistryAccess } from "../registry/access.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import { type Host, readHost } from "../spack/host.js";
import { rankForHost } from "../spack/rank.js";
import { packageTag } from "../spack/tag.js";
import { type DependencyTree, describeTree } from "./dependency-tree.js";
import { describeImage } from "./describe-image.js";
import { findOwners, type OwnedLayer } from "./layer-owners.js";
import { comparePackages } from "./list.js";
import type { ShownPackage } from "./shown-package.js";

/** What is shown; source and spec are needed. */
export interface ShowOptions {
  /** The cache: `ghcr.io/org/cache`, `oci://…`, `oci+http://…` or `oci:DIR`. */
  readonly source: string;
  /** A spec in Spack's syntax; of several packages that match, the one that fits this machine best is meant. */
  readonly spec: string;
  /** Read the layers, to tell how large they are unpacked. */
  readonly measure?: boolean | undefined;
  readonly access?: RegistryAccess | undefined;
}

/**
 * Everything that a cache says of one package's image: two requests beside those for the index; for an image that spkoci didn't write
 * also one for each package that it needs. No layer is read, unless `measure` asks for it.
 * @throws SpkociError INVALID_REFERENCE, INVALID_ARGUMENT, SPEC_NOT_FOUND, AMBIGUOUS_SPEC, IMAGE_NOT_FOUND for an image that the index names
 *   and that isn't there, BLOB_NOT_FOUND, DOCUMENT_INVALID, SPEC_INVALID, DAG_HASH_MISMATCH, and those of the registry
 */
export async function showPackage(options: ShowOptions, op: Op = {}): Promise<ShownPackage> {
  const queries = parseQueries([options.spec]);
  const [source] = (await openSources([options.source], options.access ?? {})) as [CacheSource];
  const host = await readHost();
  const contents = await listPackages(source, (tag) => tagMayMatch(tag, queries), op);
  const matching = matchPackages(contents, queries, source.store.name);
  const chosen = chooseOne(queries[0] as PackageQuery, matching, host, contents);
  const read = await readImage(source, chosen, op);
  const tree = treeOf(read.spec, contents);
  const needed = neededOf(tree, read.spec);
  const layers = await findOwners(read.existing, needed, contents.hashes, source, op);
  const plainSizes = options.measure ? await measureAll(layers, source, op) : [];
  return describeImage({ source, contents, host, ...read, layers, plainSizes, tree });
}

/** A package that doesn't run here is shown too, if no other can be meant. */
function chooseOne(
  { text }: PackageQuery,
  matching: readonly ConcreteSpec[],
  host: Host,
  { known }: CacheContents,
): ConcreteSpec {
  const { best } = rankForHost(matching, host, known);
  const meant = best.length === 0 || haveManyNames(matching) ? matching : best;
  const [first, ...others] = meant;
  if (first !== undefined && others.length === 0) return first;
  throw severalMatch(text, meant.toSorted(comparePackages));
}

interface ReadImage {
  readonly existing: ExistingImage;
  readonly config: ImageConfig;
  readonly spec: CachedSpec;
}

async function readImage(source: CacheSource, wanted: ConcreteSpec, op: Op): Promise<ReadImage> {
  const tag = packageTag(wanted);
  const what = source.imageAt(tag);
  const document = await source.store.read(tag, op);
  if (document === undefined) {
    throw new SpkociError("IMAGE_NOT_FOUND", `the index names ${labelOf(wanted)}, but there is no image ${what}`, {
      hint: "`spkoci update-index SOURCE` makes the index anew from what is there.",
    });
  }
  const stream = await source.store.open(parseManifest(document, what).config, op);
  const bytes = await collect(stream, CONFIG_LIMIT, `the config of ${what}`);
  const spec = parseCachedSpec(bytes.toString("utf8"), `the config of ${what}`);
  checkIdentity(spec, wanted.hash, what);
  const config = parseImageConfig(bytes, `the config of ${what}`);
  return { existing: await readExistingImage(document, what, async () => config), config, spec };
}

/** The package and what it needs to run. */
function treeOf({ root, nodes }: CachedSpec, { hashes }: CacheContents): DependencyTree {
  const known = (hash: string): ConcreteSpec | undefined => nodes.get(hash);
  return describeTree({ roots: [root], allDeps: false, known, isPresent: (hash) => hashes.has(hash) });
}

function neededOf({ packages }: DependencyTree, { nodes }: CachedSpec): ConcreteSpec[] {
  return packages.filter(({ state }) => state !== "external").flatMap(({ hash }) => nodes.get(hash) ?? []);
}

/** Bytes of each layer's plain tar, one layer after the other. */
async function measureAll(layers: readonly OwnedLayer[], { store }: CacheSource, op: Op): Promise<number[]> {
  const total = layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  const progress = new StepProgress(op.emit, "measure", "bytes", total);
  op.emit?.({ type: "step", step: "measure", message: `reading ${layers.length} layers` });
  const sizes: number[] = [];
  for (const { descriptor } of layers) {
    const what = `layer ${descriptor.digest} of ${store.name}`;
    sizes.push(await measureLayer(await store.open(descriptor, op), what, (bytes) => progress.add(bytes)));
  }
  progress.end();
  return sizes;
}
