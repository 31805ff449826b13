import type { CacheSource } from "../catalog/cache-source.js";
import type { CachedSpec } from "../catalog/cached-spec.js";
import type { CacheContents } from "../catalog/list-packages.js";
import { BASE_DIGEST, BASE_NAME } from "../image/annotations.js";
import type { ExistingImage } from "../image/existing-image.js";
import type { ImageConfig } from "../oci/image-config.js";
import { formatPlatform } from "../oci/platform.js";
import type { Host } from "../spack/host.js";
import { libcOf, runsOn } from "../spack/rank.js";
import { packageTag } from "../spack/tag.js";
import { creationTime } from "./creation-time.js";
import { type DependencyTree, stateOf } from "./dependency-tree.js";
import { Dependents } from "./dependents.js";
import { describePackage } from "./describe-package.js";
import type { OwnedLayer } from "./layer-owners.js";
import { comparePackages } from "./list.js";
import type {
  PackageName,
  RunSettings,
  ShownBase,
  ShownDependency,
  ShownLayer,
  ShownPackage,
} from "./shown-package.js";

/** What was read of a package's image. */
export interface ImageFindings {
  readonly source: CacheSource;
  readonly contents: CacheContents;
  readonly host: Host;
  readonly existing: ExistingImage;
  readonly config: ImageConfig;
  readonly spec: CachedSpec;
  readonly layers: readonly OwnedLayer[];
  /** Of each layer; empty if the layers were not read. */
  readonly plainSizes: readonly number[];
  /** The package and what it needs to run. */
  readonly tree: DependencyTree;
}

/** What there is to say of a package's image, as plain data. */
export function describeImage(findings: ImageFindings): ShownPackage {
  const { source, contents, host, existing, config, spec, tree } = findings;
  const { root, nodes } = spec;
  const dependents = contents.indexed ? new Dependents(contents) : undefined;
  const layers = describeLayers(findings, dependents);
  return {
    source: source.store.name,
    image: source.imageAt(packageTag(root)),
    digest: existing.document.descriptor.digest,
    mediaType: existing.manifest.mediaType,
    platform: formatPlatform(config),
    created: creationTime(existing, config),
    package: describePackage(root, (hash) => nodes.get(hash)),
    libc: libcOf(root, nodes),
    fit: runsOn(root, host, nodes),
    base: describeBase(existing, layers),
    layers,
    totals: totalsOf(layers),
    run: describeRun(config),
    dependencies: describeDependencies(spec, contents),
    missing: tree.packages.filter(({ state }) => state === "missing").map(nameOf),
    dependents: dependents?.of(root.hash).sort(comparePackages).map(nameOf),
  };
}

function describeLayers(
  { layers, plainSizes, spec: { root, nodes } }: ImageFindings,
  dependents: Dependents | undefined,
): ShownLayer[] {
  return layers.map(({ descriptor, kind, hash }, at) => {
    const { digest, mediaType, size } = descriptor;
    const common = { digest, mediaType, size, plainSize: plainSizes[at] ?? null, kind };
    if (hash === undefined) return common;
    const sharers = dependents?.of(hash).filter((one) => one.hash !== root.hash);
    // A package's image has its layer as well as those of the packages that need it.
    const isOther = hash !== root.hash;
    const owner = nodes.get(hash);
    return {
      ...common,
      package: owner === undefined ? { name: "", hash } : nameOf(owner),
      sharedBy: sharers && sharers.length + Number(isOther),
    };
  });
}

function totalsOf(layers: readonly ShownLayer[]): ShownPackage["totals"] {
  let [size, plainSize]: [number, number | null] = [0, 0];
  for (const layer of layers) {
    size += layer.size;
    plainSize = plainSize === null || layer.plainSize === null ? null : plainSize + layer.plainSize;
  }
  return { size, plainSize };
}

function describeBase({ manifest }: ExistingImage, layers: readonly ShownLayer[]): ShownBase | undefined {
  const base = layers.filter(({ kind }) => kind === "base");
  const [name, digest] = [manifest.annotations?.[BASE_NAME], manifest.annotations?.[BASE_DIGEST]];
  if (base.length === 0 && name === undefined && digest === undefined) return undefined;
  return { name, digest, layers: base.length, size: totalsOf(base).size };
}

function describeRun({ config }: ImageConfig): RunSettings {
  return {
    env: config?.Env ?? [],
    entrypoint: config?.Entrypoint ?? [],
    cmd: config?.Cmd ?? [],
    user: config?.User,
    workdir: config?.WorkingDir,
    labels: config?.Labels ?? {},
  };
}

function describeDependencies({ root, nodes }: CachedSpec, { hashes }: CacheContents): ShownDependency[] {
  return root.dependencies.map((edge) => {
    const node = nodes.get(edge.hash);
    return { ...edge, version: node?.version, state: stateOf(edge.hash, node, (hash) => hashes.has(hash)) };
  });
}

function nameOf({ name, version, hash }: PackageName): PackageName {
  return { name, version, hash };
}
