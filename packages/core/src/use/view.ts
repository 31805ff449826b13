import { readdir, readFile, readlink, rm, rmdir, symlink, unlink } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, resolve } from "node:path";
import * as z from "zod";
import { writeFileAtomically } from "../base/atomic-file.js";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { formatJson, parseJson } from "../base/json.js";
import { makeFolders } from "../base/make-folders.js";
import type { Op } from "../base/op.js";
import { closureOf } from "../spack/closure.js";
import { readInstallStore } from "../spack/install-store.js";
import { selectSpecs } from "../spack/select-specs.js";

export interface ViewOptions {
  /** Root of the store. */
  readonly root: string;
  /** Installed packages: `name`, `name@1.2:`, `name+variant`, `/hash`. What they need is in the view too. */
  readonly specs: readonly string[];
  /** Absolute path of the view: a folder that is missing, empty, or a view already, which is replaced. */
  readonly dir: string;
}

/** A name that several packages have, or a package and what others put into the view. */
export interface ViewConflict {
  /** In the view. */
  readonly path: string;
  /** What is there: where the link leads, or the path itself. */
  readonly kept: string;
  /** The package's path that isn't in the view. */
  readonly left: string;
}

export interface ViewResult {
  readonly dir: string;
  readonly links: number;
  readonly conflicts: readonly ViewConflict[];
}

/** In the view; says what is the view's, so that nothing else is ever removed. */
const RECORD = ".spkoci-view.json";

/** Spack's records of a package. */
const METADATA = ".spack";

const recordSchema = z.object({
  /** Path in the view to target. */
  links: z.record(z.string(), z.string()),
});

/**
 * Makes one tree of the folders of packages and what they need, in which every file is a link to the package's own. Where several
 * packages have the same name, dependents win over what they need.
 * @throws SpkociError INVALID_ARGUMENT for a folder that has other things in it; those of `readEnvironment`; NO_SPACE, STORAGE_FAILED
 */
export async function makeView(options: ViewOptions, op: Op = {}): Promise<ViewResult> {
  const dir = cleanDir(options.dir);
  const store = await readInstallStore({ root: options.root }, op);
  const { packages } = closureOf(store, await selectSpecs(store, { specs: options.specs }, op));
  const plan: Plan = { nodes: new Map(), conflicts: [] };
  try {
    for (const { path } of packages.toReversed()) await planFolder(path, "", plan);
    const links = [...plan.nodes].filter((node): node is [string, string] => node[1] !== FOLDER);
    if ((await readRecord(dir)) === undefined) await refuseStrangers(dir);
    await removeView(dir);
    op.signal?.throwIfAborted();
    // The record comes first: what is made until the run is stopped can be removed.
    await writeFileAtomically(join(dir, RECORD), formatJson({ links: Object.fromEntries(links) }));
    let made = 0;
    for (const [path, target] of links) {
      if (await makeLink(join(dir, path), target)) made += 1;
      else plan.conflicts.push({ path, kept: join(dir, path), left: target });
    }
    return { dir, links: made, conflicts: plan.conflicts };
  } catch (error) {
    throw asStorageError(error, `making the view ${dir}`);
  }
}

/** @returns false if something is there already */
async function makeLink(path: string, target: string): Promise<boolean> {
  await makeFolders(dirname(path));
  try {
    await symlink(target, path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * Removes a view: its links, and the folders that are empty then. What others put or changed there stays. Nothing happens where no
 * view is.
 * @throws SpkociError STORAGE_FAILED, DOCUMENT_INVALID for a record that can't be understood
 */
export async function removeView(dir: string): Promise<void> {
  const record = await readRecord(dir);
  if (record === undefined) return;
  try {
    const folders = new Set<string>();
    for (const [path, target] of Object.entries(record.links)) {
      const link = join(dir, path);
      if ((await readlink(link).catch(() => undefined)) === target) await unlink(link);
      for (let at = dirname(path); at !== "."; at = dirname(at)) folders.add(at);
    }
    // A folder comes behind those in it.
    for (const folder of [...folders].sort().reverse()) await removeIfEmpty(join(dir, folder));
    await rm(join(dir, RECORD), { force: true });
    await removeIfEmpty(dir);
  } catch (error) {
    throw asStorageError(error, `removing the view ${dir}`);
  }
}

const FOLDER = Symbol("folder");

interface Plan {
  /** By path in the view: what the link leads to. */
  readonly nodes: Map<string, string | typeof FOLDER>;
  readonly conflicts: ViewConflict[];
}

async function planFolder(prefix: string, folder: string, plan: Plan): Promise<void> {
  const entries = await readdir(join(prefix, folder), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (path === METADATA) continue;
    const target = join(prefix, path);
    const known = plan.nodes.get(path);
    const isFolder = entry.isDirectory();
    if (known === undefined) plan.nodes.set(path, isFolder ? FOLDER : target);
    else if (known !== FOLDER || !isFolder) {
      plan.conflicts.push({ path, kept: known === FOLDER ? `a folder ${path}` : known, left: target });
      continue;
    }
    if (isFolder) await planFolder(prefix, path, plan);
  }
}

async function readRecord(dir: string): Promise<z.infer<typeof recordSchema> | undefined> {
  const path = join(dir, RECORD);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw asStorageError(error, `reading ${path}`);
  }
  const parsed = recordSchema.safeParse(parseJson(text, path));
  if (parsed.success && Object.keys(parsed.data.links).every(isInside)) return parsed.data;
  throw new SpkociError("DOCUMENT_INVALID", `${path} is no record of a view`, { hint: "Remove the folder yourself." });
}

function isInside(path: string): boolean {
  return !isAbsolute(path) && normalize(path) === path && path !== "." && path.split("/")[0] !== "..";
}

async function refuseStrangers(dir: string): Promise<void> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (systemCodeOf(error) === "ENOENT") return [];
    throw error;
  });
  if (names.length === 0) return;
  throw new SpkociError("INVALID_ARGUMENT", `${dir} can't become a view: there are other things in it`, {
    hint: "Name a folder that is empty or doesn't exist.",
  });
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (!["ENOENT", "ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(systemCodeOf(error) ?? "")) throw error;
  });
}

function cleanDir(dir: string): string {
  if (isAbsolute(dir)) return resolve(dir);
  throw new SpkociError("INVALID_ARGUMENT", `the view ${JSON.stringify(dir)} is not an absolute path`, {
    hint: "Name an absolute path.",
  });
}
