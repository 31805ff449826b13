import { setImmediate as nextTurn } from "node:timers/promises";
import { mapConcurrently } from "../base/concurrency.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { compareImages, type ImageDifference } from "../image/compare-images.js";
import type { ImageLayer } from "../image/image-layer.js";
import { imageLayersOf } from "../spack/closure.js";
import { labelOf } from "../spack/concrete-spec.js";
import type { InstallRecord, InstallStore } from "../spack/install-store.js";
import { jobsOf, type PushContext } from "./context.js";
import { assemblePackageImage } from "./package-image.js";
import { type LayerPlan, planLayers } from "./plan.js";
import { PushPrefixes } from "./prefixes.js";
import type { PackageAction } from "./result.js";
import { createRunEnvironments, type RunEnvironments } from "./run-environment.js";
import { type PackageImage, surveyTarget } from "./survey.js";

/** What will be done for one package. */
export interface PackagePlan extends Omit<LayerPlan, "verdict"> {
  readonly action: PackageAction;
}

/** What will be done, and what is needed to do it. */
export interface PushDecision {
  readonly packages: readonly PackagePlan[];
  /** Images that the target has, by DAG hash; with `force` only those of packages that this push leaves alone. */
  readonly existing: ReadonlyMap<string, PackageImage>;
  /** Package layers that the target has, by DAG hash. */
  readonly layers: ReadonlyMap<string, ImageLayer>;
  readonly prefixes: PushPrefixes;
  readonly environments: RunEnvironments;
}

/**
 * Looks at the target and at the packages' specs, and decides what to do for each package. Writes nothing.
 * @param onUnmade called when there are packages whose layers may have to be made, before their prefixes are listed
 */
export async function decidePush(context: PushContext, op: Op, onUnmade: () => void = () => {}): Promise<PushDecision> {
  const { options, packages, store, target } = context;
  const layersOf = new Map(packages.map((record) => [record, imageLayersOf(store, record)]));
  op.emit?.({ type: "step", step: "survey", message: `looking at what ${target.name} has` });
  const problems = await findProblems(packages, context, op);
  const looked = new Set([...packages, ...[...layersOf.values()].flat()]);
  const existing = await surveyTarget(target, [...looked], jobsOf(options), op);
  const prefixes = new PushPrefixes(context);
  const unmade = packages.filter(({ spec }) => !problems.has(spec.hash) && (options.force || !existing.has(spec.hash)));
  if (unmade.length > 0) onUnmade();
  const found = await prefixes.survey(unmade, op);
  const layers = new Map([...existing].map(([hash, image]) => [hash, layerOf(store, hash, image)]));
  for (const [hash, layer] of found.layers) layers.set(hash, layer);
  const plans = planLayers({
    packages,
    imageLayersOf: (record) => layersOf.get(record) ?? [],
    inTarget: new Set(layers.keys()),
    problems: new Map([...problems, ...found.problems]),
    force: options.force ?? false,
  });
  warnOfMissing(plans, op);
  const environments = await createRunEnvironments(options, op);
  const settled = await mapConcurrently(
    plans,
    jobsOf(options),
    (plan, signal) => settle(context, { existing, layers, environments }, plan, { ...op, signal }),
    op.signal,
  );
  return { packages: settled, existing, layers, prefixes, environments };
}

/** Packages whose spec can't be read or doesn't have its DAG hash. */
async function findProblems(
  packages: readonly InstallRecord[],
  context: PushContext,
  op: Op,
): Promise<Map<string, SpkociError>> {
  const problems = new Map<string, SpkociError>();
  await mapConcurrently(
    packages,
    jobsOf(context.options),
    async (record) => {
      // Reading may never wait, and other work is to come in between.
      await nextTurn();
      try {
        await context.specs.read(record, op);
      } catch (error) {
        if (!(error instanceof SpkociError)) throw error;
        problems.set(record.spec.hash, error);
      }
    },
    op.signal,
  );
  return problems;
}

/** Turns "compare" into "skip" or "rewrite" by assembling the image and holding it against the one in the target. */
async function settle(
  context: PushContext,
  { existing, layers: known, environments }: Pick<PushDecision, "existing" | "layers" | "environments">,
  { verdict, ...plan }: LayerPlan,
  op: Op,
): Promise<PackagePlan> {
  if (verdict !== "compare") return { ...plan, action: verdict };
  await nextTurn();
  const there = existing.get(plan.record.spec.hash);
  if (there === undefined) return { ...plan, action: "rewrite", reason: "the cache has its layer but no image of it" };
  const layers = knownLayers(plan.layers, known);
  if (layers.length < plan.layers.length) throw new Error("compared without its layers");
  // A time alone is no reason to write an image anew.
  const options = { ...context.options, sourceDateEpoch: there.sourceDateEpoch };
  const planned = await assemblePackageImage({ ...context, options }, environments, plan.record, layers, there, op);
  const differences = compareImages(planned, there);
  if (differences.length === 0) return { ...plan, action: "skip", reason: "the cache has it" };
  return { ...plan, action: "rewrite", reason: `the image differs in its ${differences.map(nameOf).join(" and ")}` };
}

/** The layers of `records` that the target has. */
function knownLayers(records: readonly InstallRecord[], layers: ReadonlyMap<string, ImageLayer>): ImageLayer[] {
  return records.flatMap(({ spec }) => layers.get(spec.hash) ?? []);
}

function layerOf(store: InstallStore, hash: string, { own }: PackageImage): ImageLayer {
  const record = store.records.get(hash);
  return { ...own, title: record === undefined ? hash : labelOf(record.spec) };
}

function nameOf(difference: ImageDifference): string {
  return { base: "base image", layers: "dependencies", settings: "settings", annotations: "annotations" }[difference];
}

function warnOfMissing(plans: readonly LayerPlan[], op: Op): void {
  for (const { record, missing } of plans) {
    if (missing.length === 0) continue;
    const names = missing.map((layer) => labelOf(layer.spec)).join(", ");
    op.emit?.({
      type: "warning",
      message: `the image of ${labelOf(record.spec)} lacks ${names}, which the cache doesn't have`,
      hint: "Push the dependencies too, to get an image that runs.",
    });
  }
}
