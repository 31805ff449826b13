import type { Descriptor } from "../oci/descriptor.js";
import { type ExecutionConfig, type ImageConfig, parseImageConfig } from "../oci/image-config.js";
import type { AssembledImage } from "./assemble-image.js";
import type { ExistingImage } from "./existing-image.js";

/**
 * In what two images differ:
 * - `base`: the layers below the packages'.
 * - `layers`: the packages' layers.
 * - `settings`: environment, command, user, or anything else in the config.
 * - `annotations`: only annotations or media types of the manifest.
 */
export type ImageDifference = "base" | "layers" | "settings" | "annotations";

/**
 * In what the planned image and the cache's differ; empty if the cache's can stay. Images by spkoci are compared to
 * the byte: assemble the planned one with `existing.sourceDateEpoch`, so that another time alone is no difference.
 * Images by Spack hold times and none of spkoci's annotations, so only their layers and what the start of a container
 * depends on are compared.
 */
export function compareImages(planned: AssembledImage, existing: ExistingImage): readonly ImageDifference[] {
  if (planned.manifest.descriptor.digest === existing.document.descriptor.digest) return [];
  const layers = existing.baseLayers
    ? compareKnownLayers(planned, existing.baseLayers, existing.packageLayers)
    : compareUnknownLayers(planned, existing.manifest.layers);
  if (layers.length > 0) return layers;
  if (!existing.byUs) return existing.config && sameStart(planned, existing.config) ? [] : ["settings"];
  return planned.config.descriptor.digest === existing.manifest.config.digest ? ["annotations"] : ["settings"];
}

function compareKnownLayers(
  planned: AssembledImage,
  baseLayers: readonly Descriptor[],
  packageLayers: ExistingImage["packageLayers"],
): ImageDifference[] {
  const base: ImageDifference[] = sameDigests(planned.baseLayers, baseLayers) ? [] : ["base"];
  const packages = packageLayers.map(({ descriptor }) => descriptor);
  return sameDigests(planned.packageLayers, packages) ? base : [...base, "layers"];
}

/** Where the base ends is not known: if the image ends with the planned packages, the rest is taken for the base. */
function compareUnknownLayers(planned: AssembledImage, layers: readonly Descriptor[]): ImageDifference[] {
  const packages = planned.packageLayers;
  const end = packages.length === 0 ? [] : layers.slice(-packages.length);
  if (!sameDigests(packages, end)) return ["layers"];
  return sameDigests(planned.baseLayers, layers.slice(0, layers.length - packages.length)) ? [] : ["base"];
}

function sameDigests(some: readonly Descriptor[], others: readonly Descriptor[]): boolean {
  return some.length === others.length && some.every(({ digest }, index) => digest === others[index]?.digest);
}

function sameStart(planned: AssembledImage, existing: ImageConfig): boolean {
  const wanted = parseImageConfig(planned.config.bytes, "the planned config");
  return JSON.stringify(startOf(wanted.config ?? {})) === JSON.stringify(startOf(existing.config ?? {}));
}

/** What a container's start depends on, in one form: Spack lists some folders of a variable twice. */
function startOf(config: ExecutionConfig): unknown {
  const variables = (config.Env ?? []).map((line) => {
    const [name = "", ...value] = line.split("=");
    return [name, [...new Set(value.join("=").split(":"))]] as const;
  });
  return {
    env: variables.sort(([a], [b]) => (a < b ? -1 : 1)),
    entrypoint: config.Entrypoint ?? [],
    cmd: config.Cmd ?? [],
    user: config.User ?? "",
    workdir: config.WorkingDir ?? "",
    labels: Object.entries(config.Labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}
