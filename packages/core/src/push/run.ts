import { setMaxListeners } from "node:events";
import { availableParallelism } from "node:os";
import { createLimiter, Flights, type Limiter } from "../base/concurrency.js";
import type { Digest } from "../base/digest.js";
import { asSpkociError, SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { startStopwatch } from "../base/stopwatch.js";
import type { ImageLayer } from "../image/image-layer.js";
import { openSpool, type Spool } from "../layer/spool.js";
import { formatImageAt } from "../location/parse-location.js";
import { unknownBlobsOf } from "../registry/registry-error.js";
import { labelOf } from "../spack/concrete-spec.js";
import type { InstallRecord } from "../spack/install-store.js";
import { CACHE_HINT, jobsOf, type PushContext } from "./context.js";
import type { PackagePlan, PushDecision } from "./decide.js";
import { assemblePackageImage, putImage } from "./package-image.js";
import { dependencyFailed } from "./plan.js";
import type { PackageOutcome, PackageResult } from "./result.js";
import { sendBase } from "./send-base.js";
import { sendLayer } from "./send-layer.js";
import type { PackageImage } from "./survey.js";

export interface PackagesSent {
  /** In the order of the plan. */
  readonly results: readonly PackageResult[];
  /** The layers that the target has now, by DAG hash. */
  readonly layers: ReadonlyMap<string, ImageLayer>;
  readonly bytesSent: number;
}

/**
 * Carries the decision out: layers and base image first, in parallel; each package's config and manifest as soon as all its layers are
 * there. A failure of one package ends as its result; with `failFast` it also stops the others.
 * @throws SpkociError when the base image can't be brought over, and the reason of an abort of `op.signal`
 */
export async function sendPackages(context: PushContext, decision: PushDecision, op: Op): Promise<PackagesSent> {
  const spool = await openSpool(context.options.cacheDir, CACHE_HINT);
  try {
    return await new PackageSender(context, decision, spool, op).run();
  } finally {
    await spool.dispose();
  }
}

class PackageSender {
  readonly #context: PushContext;
  readonly #decision: PushDecision;
  readonly #spool: Spool;
  readonly #op: Op;
  /** Aborts all work: the caller's abort, a lost base image, or the first failure with `failFast`. */
  readonly #stop = new AbortController();
  /** Bounds packages between the first byte of their layer and its arrival, and so the size of the spool. */
  readonly #sending: Limiter;
  readonly #archiving: Limiter;
  readonly #writing: Limiter;
  /** Layers by DAG hash; a promise that rejects is of a package that failed. */
  readonly #layers = new Map<string, Promise<ImageLayer>>();
  /** Layers by DAG hash that were made again. */
  readonly #restored = new Flights<string, ImageLayer>();
  /** Running since work on a package began. */
  readonly #started = new Map<string, () => number>();
  #bytesSent = 0;

  constructor(context: PushContext, decision: PushDecision, spool: Spool, op: Op) {
    this.#context = context;
    this.#decision = decision;
    this.#spool = spool;
    const signal = op.signal ? AbortSignal.any([op.signal, this.#stop.signal]) : this.#stop.signal;
    // Every transfer under way listens: many listeners are no leak here.
    setMaxListeners(0, signal);
    this.#op = { ...op, signal };
    this.#sending = createLimiter(jobsOf(context.options));
    this.#archiving = createLimiter(availableParallelism());
    this.#writing = createLimiter(jobsOf(context.options));
  }

  async run(): Promise<PackagesSent> {
    const plans = this.#decision.packages;
    const base = this.#sendBases();
    base.catch((error) => this.#stop.abort(error));
    for (const plan of this.#largestFirst(plans)) this.#layers.set(plan.record.spec.hash, this.#startLayer(plan));
    const results = await Promise.all(plans.map((plan) => this.#finish(plan, base)));
    await base;
    const stopped = this.#op.signal;
    if (stopped?.aborted && !(this.#context.options.failFast && stopped.reason instanceof StoppedByFailure)) {
      throw stopped.reason;
    }
    return { results, layers: await this.#arrivedLayers(results), bytesSent: this.#bytesSent };
  }

  async #sendBases(): Promise<void> {
    if (this.#decision.packages.every(({ action }) => action === "skip" || action === "fail")) return;
    for (const base of this.#context.bases.values()) {
      this.#bytesSent += await sendBase(base, this.#context.target, this.#context.location, this.#op);
    }
  }

  /** So that none of the long ones is left alone at the end. */
  #largestFirst(plans: readonly PackagePlan[]): PackagePlan[] {
    const { prefixes } = this.#decision;
    return [...plans].sort((a, b) => prefixes.sizeOf(b.record) - prefixes.sizeOf(a.record));
  }

  /** The package's own layer: made and sent, or the one that the target has. */
  #startLayer(plan: PackagePlan): Promise<ImageLayer> {
    const layer = this.#layerOf(plan);
    layer.catch(() => {});
    return layer;
  }

  async #layerOf({ action, record, problem }: PackagePlan): Promise<ImageLayer> {
    if (problem) throw problem;
    const known = action === "push" ? undefined : this.#decision.layers.get(record.spec.hash);
    if (known) return known;
    return this.#sendOwn(record);
  }

  #sendOwn(record: InstallRecord): Promise<ImageLayer> {
    return this.#sending(async () => {
      this.#op.signal?.throwIfAborted();
      this.#begin(record);
      const isNew = !this.#decision.existing.has(record.spec.hash);
      const sending = { spool: this.#spool, prefixes: this.#decision.prefixes, archiving: this.#archiving, isNew };
      const sent = await sendLayer(this.#context, record, sending, this.#op);
      this.#bytesSent += sent.bytesSent;
      return sent.layer;
    });
  }

  #begin(record: InstallRecord): void {
    if (this.#started.has(record.spec.hash)) return;
    this.#started.set(record.spec.hash, startStopwatch());
    this.#op.emit?.({ type: "package-started", ...nameOf(record) });
  }

  /** Waits for all layers of the package's image and writes it. Never rejects. */
  async #finish(plan: PackagePlan, base: Promise<void>): Promise<PackageResult> {
    try {
      const { digest, layerSize } = await this.#write(plan, base);
      const outcome = ({ push: "pushed", rewrite: "rewritten", skip: "skipped", fail: "failed" } as const)[plan.action];
      return this.#report(plan, outcome, { digest, layerSize });
    } catch (error) {
      return this.#fail(plan, error);
    }
  }

  async #write(plan: PackagePlan, base: Promise<void>): Promise<{ digest: Digest; layerSize: number }> {
    const existing = this.#decision.existing.get(plan.record.spec.hash);
    if (plan.action === "skip" && existing) {
      return { digest: existing.document.descriptor.digest, layerSize: existing.own.descriptor.size };
    }
    const layers = await this.#collectLayers(plan);
    await base;
    return this.#writing(async () => {
      this.#begin(plan.record);
      try {
        return await this.#putImage(plan, layers, existing);
      } catch (error) {
        const lost = unknownBlobsOf(error);
        if (lost === undefined) throw error;
        return this.#putImage(plan, await this.#restore(layers, lost), existing);
      }
    });
  }

  async #putImage(
    { record, tag }: PackagePlan,
    layers: readonly ImageLayer[],
    existing: PackageImage | undefined,
  ): Promise<{ digest: Digest; layerSize: number }> {
    const { environments } = this.#decision;
    const image = await assemblePackageImage(this.#context, environments, record, layers, existing, this.#op);
    await putImage(this.#context.target, image, tag, this.#op);
    return { digest: image.manifest.descriptor.digest, layerSize: layers.at(-1)?.descriptor.size ?? 0 };
  }

  /** Makes layers once more that the target had and has lost; those that it named, or else those that it says it lacks. */
  async #restore(layers: readonly ImageLayer[], lost: readonly Digest[]): Promise<ImageLayer[]> {
    await this.#sendBases();
    return Promise.all(
      layers.map(async (layer) => {
        const { descriptor, dagHash } = layer;
        const isThere =
          lost.length > 0 ? !lost.includes(descriptor.digest) : await this.#context.target.has(descriptor, this.#op);
        return isThere ? layer : this.#restored.run(dagHash, () => this.#makeAgain(layer), this.#op.signal);
      }),
    );
  }

  async #makeAgain({ title, dagHash, descriptor }: ImageLayer): Promise<ImageLayer> {
    const record = this.#context.store.records.get(dagHash);
    if (record === undefined) throw new Error(`the layer of ${title} is of no package of the store`);
    const message = `${this.#context.target.name} has lost blob ${descriptor.digest} of ${title}; it is made and sent again`;
    this.#op.emit?.({ type: "warning", message });
    return this.#sendOwn(record);
  }

  /** The package's own error comes before that of a dependency. */
  async #collectLayers(plan: PackagePlan): Promise<ImageLayer[]> {
    await this.#layers.get(plan.record.spec.hash);
    return Promise.all(
      plan.layers.map(async (layer) => {
        const known = this.#decision.layers.get(layer.spec.hash);
        const running = this.#layers.get(layer.spec.hash);
        if (running === undefined && known) return known;
        try {
          return await (running as Promise<ImageLayer>);
        } catch (error) {
          if (layer === plan.record || this.#op.signal?.aborted) throw error;
          throw dependencyFailed(plan.record, layer);
        }
      }),
    );
  }

  #report(
    plan: PackagePlan,
    outcome: PackageOutcome,
    more: Pick<PackageResult, "digest" | "layerSize" | "error">,
  ): PackageResult {
    const { spec } = plan.record;
    const durationMs = this.#started.get(spec.hash)?.() ?? 0;
    if (outcome !== "failed") {
      this.#op.emit?.({ type: "package-finished", ...nameOf(plan.record), outcome, durationMs });
    }
    const image = formatImageAt(this.#context.location, plan.tag);
    return {
      name: spec.name,
      version: spec.version,
      hash: spec.hash,
      tag: plan.tag,
      image,
      outcome,
      durationMs,
      ...more,
    };
  }

  #fail(plan: PackagePlan, error: unknown): PackageResult {
    const stoppedBefore = this.#op.signal?.aborted ?? false;
    const failure =
      stoppedBefore && error === this.#op.signal?.reason ? notAttempted(plan.record) : asSpkociError(error);
    const { code, message, hint } = failure;
    if (!stoppedBefore)
      this.#op.emit?.({ type: "package-failed", ...nameOf(plan.record), code, message, ...(hint && { hint }) });
    if (this.#context.options.failFast && !stoppedBefore) this.#stop.abort(new StoppedByFailure(failure));
    return this.#report(plan, "failed", { error: { code, message, hint } });
  }

  async #arrivedLayers(results: readonly PackageResult[]): Promise<Map<string, ImageLayer>> {
    const arrived = new Map<string, ImageLayer>();
    for (const { hash, outcome } of results) {
      const layer = this.#layers.get(hash);
      if (outcome !== "failed" && layer) arrived.set(hash, await layer);
    }
    return arrived;
  }
}

/** The reason of the abort that `failFast` makes. */
class StoppedByFailure extends SpkociError {
  constructor(failure: SpkociError) {
    super("SOME_FAILED", failure.message, { cause: failure });
  }
}

function notAttempted(record: InstallRecord): SpkociError {
  return new SpkociError("INTERRUPTED", `${labelOf(record.spec)} was not pushed: another package failed first`);
}

function nameOf(record: InstallRecord): { hash: string; package: string } {
  return { hash: record.spec.hash, package: labelOf(record.spec) };
}
