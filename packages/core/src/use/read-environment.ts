import type { Op } from "../base/op.js";
import { readKeptEnvironment } from "../image/kept-environment.js";
import { closureOf } from "../spack/closure.js";
import { labelOf } from "../spack/concrete-spec.js";
import type { EnvModification } from "../spack/env-modification.js";
import { readInstallStore } from "../spack/install-store.js";
import { inspectPrefix } from "../spack/run-environment.js";
import { selectSpecs } from "../spack/select-specs.js";

export interface EnvironmentOptions {
  /** Root of the store. */
  readonly root: string;
  /** Installed packages: `name`, `name@1.2:`, `name+variant`, `/hash`. */
  readonly specs: readonly string[];
}

/**
 * What using installed packages changes in the environment: what the folders of their prefixes and of those that they need at link and
 * run time add, dependencies first, and what the images said that they came from.
 * @throws SpkociError INVALID_ARGUMENT, STORE_NOT_FOUND, DATABASE_INVALID, DATABASE_VERSION, SPEC_NOT_FOUND, AMBIGUOUS_SPEC,
 * STORAGE_FAILED
 */
export async function readEnvironment(options: EnvironmentOptions, op: Op = {}): Promise<readonly EnvModification[]> {
  const store = await readInstallStore({ root: options.root }, op);
  const chosen = await selectSpecs(store, { specs: options.specs }, op);
  const { packages, notInstalled } = closureOf(store, chosen);
  for (const { spec } of notInstalled) {
    op.emit?.({ type: "warning", message: `${labelOf(spec)} is needed, but not installed` });
  }
  const modifications: EnvModification[] = [];
  for (const record of packages) {
    const { prefix, root, spec } = record;
    modifications.push(...(await inspectPrefix(record)));
    modifications.push(...(await readKeptEnvironment({ root, hash: spec.hash, prefix })));
  }
  return modifications;
}
