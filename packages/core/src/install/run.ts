import { join } from "node:path";
import { createLimiter, type Limiter } from "../base/concurrency.js";
import { asSpkociError, SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { openSpool, type Spool } from "../layer/spool.js";
import type { Store } from "../oci/store.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import { STAGING } from "../spack/install-layout.js";
import { openLocalCache } from "../store/local-cache.js";
import { AliasFolder } from "./alias-folder.js";
import { installPackage, type Placed } from "./install-package.js";
import type { InstallDecision, InstallStep } from "./plan.js";
import { jobsOf } from "./plan.js";
import { StoreRegister } from "./register.js";
import type { InstalledPackage } from "./result.js";
import { writeSbang } from "./sbang-file.js";

export interface PackagesInstalled {
  /** In the order of the plan. */
  readonly results: readonly InstalledPackage[];
  readonly bytesFetched: number;
}

/**
 * Carries an install out, several packages at once: each is unpacked beside the others, relocated, put at its prefix in one step and
 * registered, its dependencies before it. A failure stops only what needs the package.
 * @throws the reason of an abort of `op.signal`, and SpkociErrors of the root itself: STORAGE_FAILED, DATABASE_INVALID, LOCKED
 */
export async function runInstall(decision: InstallDecision, op: Op): Promise<PackagesInstalled> {
  const { options } = decision;
  const register = await StoreRegister.open(options.root, { helperEnv: options.env ?? {} }, op);
  await writeSbang(options.root);
  const aliases = await AliasFolder.open(options.root, options.aliasDir);
  const cache = options.noCache ? undefined : await openLocalCache(options.cacheDir);
  const spool = await openSpool(join(options.root, STAGING));
  try {
    return await new Installer({ decision, register, spool, cache, aliases }, op).run();
  } finally {
    await spool.dispose();
  }
}

/** What all packages of a run share. */
interface Workshop {
  readonly decision: InstallDecision;
  readonly register: StoreRegister;
  readonly spool: Spool;
  readonly cache: Store | undefined;
  readonly aliases: AliasFolder;
}

class Installer {
  readonly #shop: Workshop;
  readonly #op: Op;
  readonly #limit: Limiter;
  /** Packages by DAG hash, as they come to their places; a promise that rejects is of one that failed. */
  readonly #placed = new Map<string, Promise<Placed>>();
  #bytesFetched = 0;

  constructor(shop: Workshop, op: Op) {
    this.#shop = shop;
    this.#op = op;
    this.#limit = createLimiter(jobsOf(shop.decision.options));
  }

  async run(): Promise<PackagesInstalled> {
    const { steps } = this.#shop.decision;
    this.#op.emit?.({ type: "planned", packages: steps.length, prefixSize: 0 });
    for (const step of steps) {
      const placed = this.#start(step);
      placed.catch(() => {});
      this.#placed.set(step.spec.hash, placed);
    }
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

  /** Dependencies start first and the limiter keeps the order, so what a package waits for is under way or done. */
  #start(step: InstallStep): Promise<Placed> {
    const { located, record } = step;
    if (located === undefined) return Promise.resolve({ prefix: record?.prefix ?? "", durationMs: 0 });
    return this.#limit(async () => {
      this.#op.signal?.throwIfAborted();
      this.#op.emit?.({ type: "package-started", ...nameOf(step.spec) });
      const placed = await installPackage(
        {
          ...this.#shop,
          located,
          options: this.#shop.decision.options,
          explicit: step.explicit,
          prefixOf: (hash) => this.#prefixOf(step.spec, hash),
        },
        this.#op,
      );
      this.#bytesFetched += placed.bytesFetched ?? 0;
      return placed;
    });
  }

  /** The prefix of a dependency, once it is there; undefined for what neither the plan nor the store has. */
  async #prefixOf(spec: ConcreteSpec, hash: string): Promise<string | undefined> {
    const placed = this.#placed.get(hash);
    if (placed === undefined) return this.#shop.register.prefixOf(hash);
    try {
      return (await placed).prefix;
    } catch (error) {
      if (this.#op.signal?.aborted) throw error;
      const dependency = this.#shop.decision.steps.find((step) => step.spec.hash === hash)?.spec;
      throw new SpkociError(
        "DEPENDENCY_FAILED",
        `${labelOf(spec)} needs ${dependency ? labelOf(dependency) : `/${hash}`}, which could not be installed`,
        { cause: error },
      );
    }
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

function nameOf(spec: ConcreteSpec): { hash: string; package: string } {
  return { hash: spec.hash, package: labelOf(spec) };
}
