import { randomUUID } from "node:crypto";
import { open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../base/atomic-file.js";
import { asStorageError, SpkociError } from "../base/errors.js";
import { makeFolders } from "../base/make-folders.js";
import type { Op } from "../base/op.js";
import { isTemporaryOf } from "../base/temporary-file.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { labelOf } from "./concrete-spec.js";
import { DATABASE_PATH, readDatabaseText } from "./database.js";
import { DatabaseDraft, edgesOf } from "./database-draft.js";
import { defaultRelativePrefix } from "./install-layout.js";
import { KeptDraft } from "./kept-draft.js";
import type { SpecFile } from "./spec-file.js";
import { type StoreLockOptions, withStoreLock } from "./store-lock.js";
import { dependenciesFirst } from "./traverse.js";
import { newestNodeOf } from "./upgrade-node.js";

/** A package that lies in its prefix, whole, and is to be known to the store. */
export interface Install {
  /** The package's spec with all its nodes. */
  readonly spec: Pick<SpecFile, "root" | "nodes">;
  /** Absolute, as it is recorded. */
  readonly prefix: string;
  /** Asked for by name, not only as a dependency. */
  readonly explicit: boolean;
  /** Seconds since 1970. */
  readonly installationTime: number;
}

/** How to get the store's lock. */
export interface WriteDatabaseOptions extends Omit<StoreLockOptions, "mode"> {
  /** Remembers the database for the next call. */
  readonly kept?: KeptDraft | undefined;
}

/**
 * Makes `root` a store without packages, with its database folder; one that exists is left as it is.
 * @returns whether the database was made
 * @throws SpkociError as `withStoreLock`
 */
export async function createStore(root: string, options: WriteDatabaseOptions, op?: Op): Promise<boolean> {
  const folder = join(root, ".spack-db");
  try {
    await makeFolders(folder);
  } catch (error) {
    throw asStorageError(
      error,
      `making the store ${root}`,
      "Choose a folder that this user can make or write to with --root.",
    );
  }
  const create = async (signal: AbortSignal): Promise<boolean> => {
    for (const name of ["lock", "prefix_lock"]) await touch(join(folder, name));
    if ((await readDatabaseText(join(root, DATABASE_PATH), op)) !== undefined) return false;
    await writeDraft(root, new DatabaseDraft(undefined, root), signal);
    return true;
  };
  return withStoreLock(root, { ...options, mode: "exclusive" }, create, op);
}

/** A package that is to be put at its prefix and recorded. */
export interface Placement {
  readonly install: Install;
  /** Put it there even though it is installed. */
  readonly replace: boolean;
  /** Moves the package to its prefix; a kill before the record is written leaves an unknown prefix there. */
  place(): Promise<void>;
}

/** `placed` is false if the package was installed meanwhile; `error` is what placing it, or its spec, failed with. */
export type PlacementOutcome = { readonly placed: boolean } | { readonly error: unknown };

/**
 * Puts packages at their prefixes and records them as Spack 1.x does, while nobody else works on the store; but those that somebody has
 * installed meanwhile. What they depend on is recorded too where it is not yet: external packages as installed, others as missing, with
 * the prefix that they would have. A record that exists becomes installed at the new prefix and time; one that is installed explicitly
 * stays explicit. One that fails doesn't keep the others from being placed.
 * @param take gives the packages, dependencies first, once the lock is held
 * @returns an outcome for each, in their order; an error is SPEC_INVALID for a spec without all its nodes, or what `place` threw
 * @throws SpkociError DATABASE_INVALID, DATABASE_VERSION for a database of another version than 8, and as `withStoreLock`
 */
export async function placeAndRegister(
  root: string,
  take: () => readonly Placement[],
  options: WriteDatabaseOptions,
  op?: Op,
): Promise<readonly PlacementOutcome[]> {
  const outcomes: PlacementOutcome[] = [];
  await changeDatabase(root, options, op, async (draft) => {
    for (const placement of take()) {
      try {
        outcomes.push({ placed: await placeOne(draft, root, placement) });
      } catch (error) {
        outcomes.push({ error });
      }
    }
  });
  return outcomes;
}

async function placeOne(draft: DatabaseDraft, root: string, { install, replace, place }: Placement): Promise<boolean> {
  const isThere = draft.get(install.spec.root.hash, "installed") === true && (await isFolder(install.prefix));
  if (isThere && !replace) return false;
  const specs = withBuildSpecs(install.spec);
  await place();
  register(draft, root, install, specs);
  return true;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/**
 * Forgets packages and takes them away from their prefixes, while nobody else works on the store. As with Spack, a record that others
 * depend on stays as missing; any other goes, and with it missing packages that only it depended on. Packages that aren't recorded are
 * passed over. The records go first: a kill on the way leaves prefixes that the database doesn't name, never the other way round.
 * @param choose says which packages, by DAG hash, as the store is now
 * @param withdraw takes the prefixes away
 * @throws SpkociError as `placeAndRegister`, and whatever the two throw
 */
export async function unregisterAndWithdraw(
  root: string,
  choose: () => Promise<readonly string[]>,
  withdraw: () => Promise<void>,
  options: WriteDatabaseOptions,
  op?: Op,
): Promise<void> {
  const path = join(root, DATABASE_PATH);
  const change = async (signal: AbortSignal): Promise<void> => {
    const hashes = await choose();
    const draft = new DatabaseDraft(await readDatabaseText(path, op), path);
    for (const hash of hashes) unregister(draft, hash);
    await writeDraft(root, draft, signal);
    await withdraw();
  };
  await withStoreLock(root, { ...options, mode: "exclusive" }, change, op);
}

/**
 * Says of recorded packages whether they were asked for by name.
 * @throws SpkociError as `placeAndRegister`
 */
export async function markExplicit(
  root: string,
  hashes: readonly string[],
  explicit: boolean,
  options: WriteDatabaseOptions,
  op?: Op,
): Promise<void> {
  await changeDatabase(root, options, op, (draft) => {
    for (const hash of hashes) if (draft.has(hash)) draft.change(hash, { explicit });
  });
}

async function changeDatabase(
  root: string,
  { kept = new KeptDraft(), ...options }: WriteDatabaseOptions,
  op: Op | undefined,
  change: (draft: DatabaseDraft) => void | Promise<void>,
): Promise<void> {
  const path = join(root, DATABASE_PATH);
  const write = async (signal: AbortSignal): Promise<void> => {
    const draft = await kept.open(path, op);
    await change(draft);
    await writeDraft(root, draft, signal);
    await kept.keep(path, draft);
  };
  await withStoreLock(root, { ...options, mode: "exclusive" }, write, op);
}

async function writeDraft(root: string, draft: DatabaseDraft, signal: AbortSignal): Promise<void> {
  const folder = join(root, ".spack-db");
  // What a killed writer has left; nobody else writes while the lock is held.
  for (const name of await readdir(folder)) {
    const isLeft = ["index.json", "index_verifier"].some((file) => isTemporaryOf(name, file));
    if (isLeft) await rm(join(folder, name), { force: true });
  }
  const text = draft.format();
  // A running Spack reads the database anew when the verifier is another one; so it must be even if this ends half-way.
  signal.throwIfAborted();
  await writeVerifier(folder);
  await writeFileAtomically(join(root, DATABASE_PATH), text, { mode: 0o666 });
  await writeVerifier(folder);
}

async function writeVerifier(folder: string): Promise<void> {
  await writeFileAtomically(join(folder, "index_verifier"), randomUUID(), { mode: 0o666 });
}

async function touch(path: string): Promise<void> {
  try {
    await (await open(path, "a", 0o666)).close();
  } catch (error) {
    throw asStorageError(error, `writing ${path}`);
  }
}

function register(draft: DatabaseDraft, root: string, install: Install, specs: readonly ConcreteSpec[]): void {
  const { spec, prefix, explicit, installationTime } = install;
  for (const one of specs) {
    if (!draft.has(one.hash)) add(draft, root, one, installationTime);
  }
  const { hash } = spec.root;
  const wasExplicit = draft.get(hash, "installed") === true && draft.get(hash, "explicit") === true;
  draft.change(hash, {
    path: prefix,
    installed: true,
    explicit: explicit || wasExplicit,
    installation_time: installationTime,
  });
}

/** Every node of a spec, dependencies first; a spliced node's build spec and what that depends on before the node. */
function withBuildSpecs({ root, nodes }: Install["spec"]): ConcreteSpec[] {
  const resolve = (hash: string, parent: ConcreteSpec): ConcreteSpec => {
    const found = nodes.get(hash);
    if (found !== undefined) return found;
    throw new SpkociError("SPEC_INVALID", `the spec of ${labelOf(root)} lacks ${hash}, which ${parent.name} needs`);
  };
  const roots = new Map([[root.hash, root]]);
  for (const one of roots.values()) {
    for (const spec of dependenciesFirst([one], resolve)) {
      if (spec.buildSpec !== undefined) roots.set(spec.buildSpec, resolve(spec.buildSpec, spec));
    }
  }
  return dependenciesFirst([...roots.values()], resolve);
}

/** Adds the record of a package that is external or missing; its dependencies have records. */
function add(draft: DatabaseDraft, root: string, spec: ConcreteSpec, time: number): void {
  const external = spec.external !== undefined;
  const path = external ? (spec.external?.path ?? null) : join(root, defaultRelativePrefix(spec));
  draft.add(spec.hash, newestNodeOf(spec), {
    ref_count: 0,
    path,
    installed: external,
    explicit: false,
    installation_time: time,
    deprecated_for: null,
  });
  for (const hash of edgesOf(spec)) draft.count(hash, 1);
}

function unregister(draft: DatabaseDraft, hash: string): void {
  if (!draft.has(hash)) return;
  if (Number(draft.get(hash, "ref_count")) > 0) draft.change(hash, { installed: false });
  else remove(draft, hash);
}

/** Removes a record that nothing refers to, then those that are missing and were kept for it alone. */
function remove(draft: DatabaseDraft, hash: string): void {
  const unused = [hash];
  for (let one = unused.pop(); one !== undefined; one = unused.pop()) {
    const deprecator = draft.get(one, "deprecated_for");
    const referred = [...draft.dependenciesOf(one), ...(typeof deprecator === "string" ? [deprecator] : [])];
    draft.remove(one);
    for (const other of referred) {
      if (draft.has(other) && draft.count(other, -1) === 0 && draft.get(other, "installed") !== true)
        unused.push(other);
    }
  }
}
