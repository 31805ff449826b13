import { SpkociError } from "../base/errors.js";
import { labelOf } from "../spack/concrete-spec.js";
import type { InstallRecord } from "../spack/install-store.js";
import { packageTag } from "../spack/tag.js";

/** What is known before anything is decided. */
export interface LayerKnowledge {
  /** What is pushed, dependencies first. */
  readonly packages: readonly InstallRecord[];
  /** Packages of an image over one package, dependencies first, itself last. */
  readonly imageLayersOf: (record: InstallRecord) => readonly InstallRecord[];
  /** DAG hashes of the packages whose own layers the target has. */
  readonly inTarget: ReadonlySet<string>;
  /** Packages that can't be pushed, by DAG hash. */
  readonly problems: ReadonlyMap<string, SpkociError>;
  /** Make every layer anew. */
  readonly force: boolean;
}

/**
 * - `push`: the package's layer has to be made.
 * - `rewrite`: the target has the layer, but the image must change.
 * - `compare`: the target has every layer, so the image that is there may be the wanted one.
 * - `fail`: see `problem`.
 */
export type Verdict = "push" | "rewrite" | "compare" | "fail";

export interface LayerPlan {
  readonly record: InstallRecord;
  readonly tag: string;
  /** What the image is made of, dependencies first, the package last. */
  readonly layers: readonly InstallRecord[];
  /** Dependencies that the image lacks, because neither this push nor the target has their layers. */
  readonly missing: readonly InstallRecord[];
  readonly verdict: Verdict;
  readonly reason: string;
  readonly problem?: SpkociError | undefined;
}

/** Decides for each package, in order, where its layers come from. */
export function planLayers(knowledge: LayerKnowledge): LayerPlan[] {
  const plans = new Map<string, LayerPlan>();
  for (const record of knowledge.packages) plans.set(record.spec.hash, planPackage(record, knowledge, plans));
  return [...plans.values()];
}

function planPackage(
  record: InstallRecord,
  knowledge: LayerKnowledge,
  plans: ReadonlyMap<string, LayerPlan>,
): LayerPlan {
  const all = knowledge.imageLayersOf(record);
  const available = (layer: InstallRecord): boolean =>
    layer === record || plans.has(layer.spec.hash) || knowledge.inTarget.has(layer.spec.hash);
  const layers = all.filter(available);
  const missing = all.filter((layer) => !available(layer));
  const common = { record, tag: packageTag(record.spec), layers, missing };
  const problem = knowledge.problems.get(record.spec.hash) ?? failedDependency(record, layers, plans);
  if (problem) return { ...common, verdict: "fail", reason: problem.message, problem };
  if (knowledge.force) return { ...common, verdict: "push", reason: "forced" };
  if (!knowledge.inTarget.has(record.spec.hash)) {
    return { ...common, verdict: "push", reason: "the cache doesn't have it" };
  }
  const fresh = layers.find((layer) => plans.get(layer.spec.hash)?.verdict === "push");
  if (fresh) return { ...common, verdict: "rewrite", reason: `the layer of ${labelOf(fresh.spec)} is new` };
  return { ...common, verdict: "compare", reason: "the cache has all its layers" };
}

function failedDependency(
  record: InstallRecord,
  layers: readonly InstallRecord[],
  plans: ReadonlyMap<string, LayerPlan>,
): SpkociError | undefined {
  const failed = layers.find((layer) => plans.get(layer.spec.hash)?.verdict === "fail");
  return failed && dependencyFailed(record, failed);
}

/** The error of a package whose dependency can't be pushed. */
export function dependencyFailed(record: InstallRecord, dependency: InstallRecord): SpkociError {
  return new SpkociError(
    "DEPENDENCY_FAILED",
    `${labelOf(record.spec)} needs ${labelOf(dependency.spec)}, which could not be pushed`,
    { hint: `Mend ${labelOf(dependency.spec)} and push again.` },
  );
}
