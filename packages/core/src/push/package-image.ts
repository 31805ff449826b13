import type { Op } from "../base/op.js";
import { type AssembledImage, assembleImage } from "../image/assemble-image.js";
import type { ImageLayer } from "../image/image-layer.js";
import type { Descriptor } from "../oci/descriptor.js";
import { blobOf, type Store } from "../oci/store.js";
import { labelOf } from "../spack/concrete-spec.js";
import type { EnvModification } from "../spack/env-modification.js";
import { formatSpec } from "../spack/format-spec.js";
import type { InstallRecord } from "../spack/install-store.js";
import { baseFor, type OpenBase, type PushContext, platformOf } from "./context.js";
import type { RunEnvironment, RunEnvironments } from "./run-environment.js";
import { type PackageImage, readConfig } from "./survey.js";

/** The image of one package over `layers`, dependencies first. `existing` is the one that the target has, if any. */
export async function assemblePackageImage(
  context: PushContext,
  environments: RunEnvironments,
  record: InstallRecord,
  layers: readonly ImageLayer[],
  existing: PackageImage | undefined,
  op: Op,
): Promise<AssembledImage> {
  const base = baseFor(context, record);
  const environment =
    (await carriedEnvironment(context, base, existing, layers.length, op)) ??
    (await environments.find([record], recordsOf(context, layers), baseEnv(base), op));
  const spec = await context.specs.read(record, op);
  return assembleImage({
    ...commonPlan(context, base, environment),
    layers,
    spec,
    platform: platformOf(record),
    title: record.spec.name,
    version: record.spec.version,
    description: formatSpec(record.spec),
  });
}

/** The image over all chosen packages (`tag`). */
export async function assembleCombinedImage(
  context: PushContext,
  environments: RunEnvironments,
  tag: string,
  layers: readonly ImageLayer[],
  op: Op,
): Promise<AssembledImage> {
  const [first] = context.roots;
  if (first === undefined) throw new Error("an image needs a package");
  const base = baseFor(context, first);
  const environment = await environments.find(context.roots, recordsOf(context, layers), baseEnv(base), op);
  return assembleImage({
    ...commonPlan(context, base, environment),
    layers,
    platform: platformOf(first),
    title: tag,
    description: context.roots.map((root) => labelOf(root.spec)).join(" "),
  });
}

function commonPlan(context: PushContext, base: OpenBase | undefined, environment: RunEnvironment) {
  const { image: settings, sourceDateEpoch } = context.options;
  return {
    base: base?.image,
    settings,
    sourceDateEpoch,
    environment: environment.modifications,
    runEnv: environment.source,
  };
}

/**
 * What recipes set depends on the package alone, so an image on the same base that has their variables keeps them, and Spack is not
 * asked again. Images that Spack wrote have them.
 */
async function carriedEnvironment(
  context: PushContext,
  base: OpenBase | undefined,
  existing: PackageImage | undefined,
  layerCount: number,
  op: Op,
): Promise<RunEnvironment | undefined> {
  const { runEnv, force } = context.options;
  if (existing === undefined || runEnv === "prefix" || force) return undefined;
  if (existing.byUs && existing.runEnv !== "spack") return undefined;
  if (!sameLayers(base?.image.manifest.layers ?? [], baseLayersOf(existing, layerCount))) return undefined;
  const config = existing.config ?? (await readConfig(context.target, existing.manifest.config, op));
  return { source: "spack", modifications: (config.config?.Env ?? []).flatMap(asModification) };
}

/** Spack's images don't say which layers are the base's: they are those below the packages'. */
function baseLayersOf(existing: PackageImage, layerCount: number): readonly Descriptor[] {
  return existing.baseLayers ?? existing.manifest.layers.slice(0, -layerCount);
}

function sameLayers(a: readonly Descriptor[], b: readonly Descriptor[]): boolean {
  return a.length === b.length && a.every((layer, i) => layer.digest === b[i]?.digest);
}

function asModification(line: string): EnvModification[] {
  const equals = line.indexOf("=");
  return equals > 0 ? [{ kind: "set", name: line.slice(0, equals), value: line.slice(equals + 1) }] : [];
}

function baseEnv(base: OpenBase | undefined): readonly string[] {
  return base?.image.config.config?.Env ?? [];
}

function recordsOf(context: PushContext, layers: readonly ImageLayer[]): InstallRecord[] {
  return layers.flatMap((layer) => context.store.records.get(layer.dagHash) ?? []);
}

/** Puts config and manifest; the blobs of the layers must be there. */
export async function putImage(target: Store, image: AssembledImage, tag: string, op: Op): Promise<void> {
  await target.put(blobOf(image.config), op);
  await target.write(image.manifest, { tag }, op);
}
