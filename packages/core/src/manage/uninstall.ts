import { access, chmod, constants, lstat, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { removeTree } from "../base/remove-tree.js";
import { openSpool, type Spool } from "../layer/spool.js";
import { labelOf } from "../spack/concrete-spec.js";
import { findOverlap, isSafeRelativePrefix, STAGING } from "../spack/install-layout.js";
import { type InstallRecord, type InstallStore, readInstallStore } from "../spack/install-store.js";
import { selectSpecs } from "../spack/select-specs.js";
import { unregisterAndWithdraw } from "../spack/write-database.js";
import { dependentsFirst, dependentsOf } from "./dependents.js";

/** Which packages leave which store. */
export interface UninstallOptions {
  /** Root of the store: the folder that holds `.spack-db`. */
  readonly root: string;
  /** `name`, `name@1.2:`, `name+variant`, `/hash`; each must match one installed package. */
  readonly specs: readonly string[];
  /** Remove the packages too that need them to run. */
  readonly dependents?: boolean | undefined;
  /** Variables: PATH leads to the python3 or perl that holds the store's lock. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface Removal {
  readonly name: string;
  readonly version: string;
  /** DAG hash. */
  readonly hash: string;
  readonly prefix: string;
  /** Asked for by name, not only as a dependent. */
  readonly asked: boolean;
}

/** Packages that are removed, or would be: each before what it needs. */
export interface UninstallResult {
  readonly root: string;
  readonly packages: readonly Removal[];
}

/**
 * What `uninstall` with these options would do. Writes nothing.
 * @throws SpkociError as `uninstall` does before it removes anything
 */
export async function planUninstall(options: UninstallOptions, op: Op = {}): Promise<UninstallResult> {
  return (await decide(options, op)).result;
}

/**
 * Removes packages from a store. First the database forgets all of them in one step, then their prefixes are moved out of sight, both
 * under the store's lock; then what is in them is removed. Stopped in between, a prefix may stay that the database doesn't name; an
 * install of that package replaces it. Links to the prefixes in the store's alias folder stay, for when the package comes back.
 * @throws SpkociError HAS_DEPENDENTS if installed packages that stay need one to run; SPEC_NOT_FOUND, AMBIGUOUS_SPEC, INVALID_ARGUMENT;
 * STORE_NOT_FOUND, DATABASE_INVALID, also for a recorded prefix that isn't one of the store; DATABASE_VERSION, LOCKED, STORAGE_FAILED
 */
export async function uninstall(options: UninstallOptions, op: Op = {}): Promise<UninstallResult> {
  let decision = await decide(options, op);
  const { root } = decision.result;
  const spool = await openSpool(join(root, STAGING));
  try {
    await unregisterAndWithdraw(
      root,
      async () => {
        // Others may have changed the store until now.
        decision = await decide(options, op);
        for (const { path } of decision.records) await checkRemovable(path);
        return decision.records.map(({ spec }) => spec.hash);
      },
      () => withdrawAll(decision.records, spool),
      { helperEnv: options.env ?? {} },
      op,
    );
  } finally {
    await spool.dispose();
  }
  return decision.result;
}

interface Decision {
  /** Each before what it needs. */
  readonly records: readonly InstallRecord[];
  readonly result: UninstallResult;
}

async function decide(options: UninstallOptions, op: Op): Promise<Decision> {
  const store = await readInstallStore({ root: options.root }, op);
  const asked = await selectSpecs(store, { specs: options.specs }, op);
  const dependents = dependentsOf(store, asked);
  if (dependents.length > 0 && !options.dependents) throw stillNeeded(asked, dependents);
  const records = dependentsFirst([...asked, ...dependents]);
  for (const record of records) checkPrefix(store, record);
  const packages = records.map((record) => ({
    name: record.spec.name,
    version: record.spec.version,
    hash: record.spec.hash,
    prefix: record.prefix,
    asked: asked.includes(record),
  }));
  return { records, result: { root: store.root, packages } };
}

/** Dependents that a message names. */
const SHOWN = 20;

function stillNeeded(asked: readonly InstallRecord[], dependents: readonly InstallRecord[]): SpkociError {
  const names = (records: readonly InstallRecord[]): string => {
    const shown = records.slice(0, SHOWN).map(({ spec }) => `${labelOf(spec)}/${spec.hash.slice(0, 7)}`);
    return [...shown, ...(records.length > SHOWN ? [`${records.length - SHOWN} more`] : [])].join(", ");
  };
  return new SpkociError("HAS_DEPENDENTS", `${names(asked)}: still needed by ${names(dependents)}`, {
    hint: "Name these too, or say --dependents to remove them as well.",
  });
}

/** A damaged database must not make us remove anything but a package's own folder. */
function checkPrefix(store: InstallStore, { spec, prefix }: InstallRecord): void {
  const isInStore = prefix.startsWith(`${store.root}/`) && isSafeRelativePrefix(prefix.slice(store.root.length + 1));
  const others = [...store.records.values()].filter((other) => other.installed && other.spec.hash !== spec.hash);
  const overlap = findOverlap(
    prefix,
    others.map((other) => other.prefix).filter((other) => other !== ""),
  );
  if (isInStore && overlap === undefined) return;
  const why = isInStore ? `which it shares with ${overlap}` : "which is no place for a package";
  throw new SpkociError("DATABASE_INVALID", `the database says that ${labelOf(spec)} is in ${prefix}, ${why}`, {
    hint: "Nothing was removed. `spack reindex` writes the database anew from what is installed.",
  });
}

/** The database must not forget what then can't be removed. */
async function checkRemovable(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT") throw asStorageError(error, `removing ${path}`);
  }
}

/** Moves prefixes to where they are removed from. All are tried; the first failure is thrown. */
async function withdrawAll(records: readonly InstallRecord[], spool: Spool): Promise<void> {
  const failures: unknown[] = [];
  for (const { path } of records) {
    try {
      await withdraw(path, spool.newFile());
    } catch (error) {
      failures.push(asStorageError(error, `${path} is no longer in the database, but can't be removed`));
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function withdraw(path: string, aside: string): Promise<void> {
  try {
    const stats = await lstat(path);
    // The system lets nobody move a folder into another one who may not write to it.
    if (stats.isDirectory() && (stats.mode & 0o200) === 0) await chmod(path, stats.mode | 0o200);
    await rename(path, aside);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === "ENOENT") return;
    if (code !== "EXDEV") throw error;
    // A part of the store is on another disk.
    await removeTree(path);
  }
}
