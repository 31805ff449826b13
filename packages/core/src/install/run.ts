import { join } from "node:path";
import { createLimiter, type Limiter } from "../base/concurrency.js";
import { asSpkociError, SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { startStopwatch } from "../base/stopwatch.js";
import type { LocatedPackage } from "../catalog/locate-package.js";
import { openSpool, type Spool } from "../layer/spool.js";
import type { Store } from "../oci/store.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import { STAGING } from "../spack/install-layout.js";
import { type KeptHelpers, keepingHelpers } from "../spack/lock-helper.js";
import { openLocalCache } from "../store/local-cache.js";
import { AliasFolder } from "./alias-folder.js";
import { type PreparedPackage, preparePackage } from "./install-package.js";
import type { InstallDecision, InstallStep } from "./plan.js";
import { jobsOf } from "./plan.js";
import { StoreRegister } from "./register.js";
import type { InstalledPackage } from "./result.js";
import { writeSbang } from "./sbang-file.js";
import type { StageThreads } from "./stage-threads.js";

export interface PackagesInstalled {
  /** In the order of the plan. */
  readonly results: readonly InstalledPackage[];
  readonly bytesFetched: number;
}

/**
 * Carries an install out, several packages at once: each is unpacked beside the others, relocated, put at its prefix in one step and
 * registered, its dependencies before it. A failure stops only what needs the package.
 * @param threads in which the packages are unpacked and relocated
 * @throws the reason of an abort of `op.signal`, and SpkociErrors of the root itself: STORAGE_FAILED, DATABASE_INVALID, LOCKED
 */
export function runInstall(decision: InstallDecision, threads: StageThreads, op: Op): Promise<PackagesInstalled> {
  return keepingHelpers((keptHelpers) => install(decision, threads, keptHelpers, op));
}

async function install(
  decision: InstallDecision,
  threads: StageThreads,
  keptHelpers: KeptHelpers,
  op: Op,
): Promise<PackagesInstalled> {
  const { options } = decision;
  // First: where no layers can be kept, nothing is made in the root.
  const cache = options.noCache ? undefined : await openLocalCache(options.cacheDir);
  const register = await StoreRegister.open(options.root, { helperEnv: options.env ?? {}, keptHelpers }, op);
  await writeSbang(options.root);
  const aliases = await AliasFolder.open(options.root, options.aliasDir);
  const spool = await openSpool(join(options.root, STAGING));
  try {
    return await new Installer({ decision, register, spool, cache, aliases, threads }, op).run();
  } finally {
    await spool.dispose();
  }
}

/** A package at its place. */
interface Placed {
  readonly prefix: string;
  /** Files in it that still name the old root. */
  readonly remains?: readonly string[];
  readonly durationMs: number;
}

/** What all packages of a run share. */
interface Workshop {
  readonly decision: InstallDecision;
  readonly register: StoreRegister;
  readonly spool: Spool;
  readonly cache: Store | undefined;
  readonly aliases: AliasFolder;
  readonly threads: StageThreads;
}

class Installer {
  readonly #shop: Workshop;
  readonly #op: Op;
  readonly #limit: Limiter;
  /** What is begun at once, before what it needs: the package whose layer takes longest. */
  readonly #first: InstallStep | undefined;
  /**
   * Packages by DAG hash, as their prefixes are known, as they are prepared and as they come to their places; a promise that rejects is of
   * one that failed.
   */
  readonly #prefixes = new Map<string, Promise<string>>();
  readonly #prepared = new Map<string, Promise<unknown>>();
  readonly #placed = new Map<string, Promise<Placed>>();
  /** DAG hashes of packages that failed on the way to their places, and why. */
  readonly #broken = new Map<string, unknown>();
  #bytesFetched = 0;

  constructor(shop: Workshop, op: Op) {
    this.#shop = shop;
    this.#op = op;
    const jobs = jobsOf(shop.decision.options);
    this.#first = jobs > 1 ? largestOf(shop.decision.steps) : undefined;
    this.#limit = createLimiter(this.#first ? jobs - 1 : jobs);
  }

  async run(): Promise<PackagesInstalled> {
    const { steps } = this.#shop.decision;
    this.#op.emit?.({ type: "planned", packages: steps.length, prefixSize: 0 });
    if (this.#first) this.#start(this.#first);
    for (const step of steps) if (step !== this.#first) this.#start(step);
    this.#shop.register.expectMore(Promise.allSettled(this.#prepared.values()));
    const results = await Promise.all(steps.map((step) => this.#finish(step)));
    const promoted = steps.filter(
      ({ located, explicit, record }) => !located && explicit && record?.explicit === false,
    );
    await this.#shop.register.markExplicit(
      promoted.map(({ spec }) => spec.hash),
      this.#op,
    );
    this.#op.signal?.throwIfAborted();
    return { results, bytesFetched: this.#bytesFetched };
  }

  /**
   * Dependencies start first and the limiter keeps the order, so what a package waits for is under way or done. The first package waits
   * outside of the limiter, and keeps nobody from starting. It takes the thread that the others then leave to it.
   */
  #start(step: InstallStep): void {
    const { located, record, spec } = step;
    if (located === undefined) {
      const prefix = record?.prefix ?? "";
      const placed = Promise.resolve({ prefix, durationMs: 0 });
      this.#prefixes.set(spec.hash, Promise.resolve(prefix));
      this.#prepared.set(spec.hash, placed);
      this.#placed.set(spec.hash, placed);
      return;
    }
    let elapsed = (): number => 0;
    let claimed = (_: string): void => {};
    const claim = new Promise<string>((resolve) => {
      claimed = resolve;
    });
    const prepare = (): Promise<PreparedPackage> => {
      elapsed = startStopwatch();
      return this.#prepare(step, located, claimed);
    };
    const prepared = step === this.#first ? prepare() : this.#limit(prepare);
    const known = Promise.race([claim, prepared.then(({ prefix }) => prefix)]);
    known.catch(() => {});
    const placed = prepared.then(async (one) => {
      await this.#commit(step, located, one);
      return { prefix: one.prefix, remains: one.remains, durationMs: elapsed() };
    });
    placed.catch(() => {});
    this.#prefixes.set(spec.hash, known);
    this.#prepared.set(spec.hash, prepared);
    this.#placed.set(spec.hash, placed);
  }

  async #prepare(
    step: InstallStep,
    located: LocatedPackage,
    claimed: (prefix: string) => void,
  ): Promise<PreparedPackage> {
    this.#op.signal?.throwIfAborted();
    this.#op.emit?.({ type: "package-started", ...nameOf(step.spec) });
    const prepared = await preparePackage(
      {
        ...this.#shop,
        located,
        options: this.#shop.decision.options,
        claimed,
        prefixOf: async (hash) =>
          (await this.#outcomeFor(step.spec, hash, this.#prefixes)) ?? this.#shop.register.prefixOf(hash),
        prepared: async (hash) => void (await this.#outcomeFor(step.spec, hash, this.#prepared)),
      },
      this.#op,
    );
    this.#bytesFetched += prepared.bytesFetched;
    return prepared;
  }

  /** What it needs was prepared and so added before it; it stays out if one of these failed on the way to its place. */
  async #commit(step: InstallStep, located: LocatedPackage, prepared: PreparedPackage): Promise<void> {
    const { spec, explicit } = step;
    const { register, decision } = this.#shop;
    const place = async (): Promise<void> => {
      try {
        const failed = [...located.spec.nodes.keys()].find((hash) => this.#broken.has(hash));
        if (failed !== undefined) throw this.#dependencyFailed(spec, failed, this.#broken.get(failed));
        await prepared.place();
      } catch (error) {
        this.#broken.set(spec.hash, error);
        throw error;
      }
    };
    const replace = decision.options.force === true && explicit;
    await register.add(located.spec, prepared.prefix, { explicit, replace }, place, this.#op);
  }

  /** What has become of a dependency, once it has; undefined for what the plan doesn't have. */
  async #outcomeFor<T>(
    spec: ConcreteSpec,
    hash: string,
    outcomes: ReadonlyMap<string, Promise<T>>,
  ): Promise<T | undefined> {
    try {
      return await outcomes.get(hash);
    } catch (error) {
      if (this.#op.signal?.aborted) throw error;
      throw this.#dependencyFailed(spec, hash, error);
    }
  }

  #dependencyFailed(spec: ConcreteSpec, hash: string, cause: unknown): SpkociError {
    const dependency = this.#shop.decision.steps.find((step) => step.spec.hash === hash)?.spec;
    const named = dependency ? labelOf(dependency) : `/${hash}`;
    const message = `${labelOf(spec)} needs ${named}, which could not be installed`;
    return new SpkociError("DEPENDENCY_FAILED", message, { cause });
  }

  async #finish(step: InstallStep): Promise<InstalledPackage> {
    const { name, version, hash } = step.spec;
    const outcome = step.located ? "installed" : "skipped";
    try {
      const { prefix, remains, durationMs } = await (this.#placed.get(hash) as Promise<Placed>);
      this.#op.emit?.({ type: "package-finished", ...nameOf(step.spec), outcome, durationMs });
      const { document, layer } = step.located ?? {};
      return {
        name,
        version,
        hash,
        outcome,
        prefix,
        digest: document?.descriptor.digest,
        layerSize: layer?.size,
        remains,
        durationMs,
      };
    } catch (error) {
      const { code, message, hint } = asSpkociError(error);
      if (!this.#op.signal?.aborted) {
        this.#op.emit?.({ type: "package-failed", ...nameOf(step.spec), code, message, ...(hint && { hint }) });
      }
      return { name, version, hash, outcome: "failed", durationMs: 0, error: { code, message, hint } };
    }
  }
}

function largestOf(steps: readonly InstallStep[]): InstallStep | undefined {
  const sizeOf = ({ located }: InstallStep): number => located?.layer.size ?? 0;
  return steps
    .filter(({ located }) => located)
    .reduce<InstallStep | undefined>(
      (largest, step) => (largest === undefined || sizeOf(step) > sizeOf(largest) ? step : largest),
      undefined,
    );
}

function nameOf(spec: ConcreteSpec): { hash: string; package: string } {
  return { hash: spec.hash, package: labelOf(spec) };
}
