import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { makeFolders } from "../base/make-folders.js";
import type { Op } from "../base/op.js";
import type { CachedSpec } from "../catalog/cached-spec.js";
import type { LocatedPackage } from "../catalog/locate-package.js";
import { keepEnvironment } from "../image/kept-environment.js";
import { pathOffsetsOf } from "../image/path-offsets.js";
import type { Spool } from "../layer/spool.js";
import type { Store } from "../oci/store.js";
import { reserveAliases } from "../relocate/alias.js";
import type { RelocationTarget } from "../relocate/prefix-map.js";
import { sbangPathIn } from "../relocate/sbang.js";
import { prefixesByBuildHash } from "../relocate/splice.js";
import { type BuildInfo, parseBuildInfo } from "../spack/build-info.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import { defaultRelativePrefix, prefixIn } from "../spack/install-layout.js";
import { relocationNeedles } from "../spack/relocation-needles.js";
import type { AliasFolder } from "./alias-folder.js";
import { openLayer } from "./download.js";
import { imageEnvironment } from "./image-environment.js";
import type { InstallOptions } from "./options.js";
import type { StoreRegister } from "./register.js";
import type { FinishJob } from "./stage-package.js";
import type { StageThreads } from "./stage-threads.js";
import { warnOfRemains } from "./warn-of-remains.js";

export interface PackageJob {
  readonly located: LocatedPackage;
  readonly options: InstallOptions;
  /** The local cache of layers. */
  readonly cache: Store | undefined;
  /** Where the package is unpacked: on the root's file system. */
  readonly spool: Spool;
  readonly register: StoreRegister;
  readonly aliases: AliasFolder;
  readonly threads: StageThreads;
  /** Is told the package's prefix, as soon as its layer has told it. */
  readonly claimed: (prefix: string) => void;
  /** The prefix of a dependency, as soon as its layer has told it. */
  readonly prefixOf: (hash: string) => Promise<string | undefined>;
  /** Resolves when a dependency is prepared, and rejects with DEPENDENCY_FAILED if it can't be; so does `prefixOf`. */
  readonly prepared: (hash: string) => Promise<void>;
}

/** A package as it will be in its prefix, in a folder that nobody else sees. */
export interface PreparedPackage {
  readonly prefix: string;
  /** Files in it that still name the old root. */
  readonly remains: readonly string[];
  readonly bytesFetched: number;
  /** Moves it to its prefix in one step. */
  place(): Promise<void>;
}

/**
 * Prepares one package for its place in the store: fetched, checked, unpacked and, as soon as what it needs is unpacked, relocated. What it
 * needs is prepared before it.
 * @throws SpkociError DEPENDENCY_FAILED if something that it needs can't be prepared; of the source, the layer (ARCHIVE_REFUSED,
 *   DIGEST_MISMATCH, …), the relocation, and the root; nothing is left then
 */
export async function preparePackage(job: PackageJob, op: Op): Promise<PreparedPackage> {
  const { located, register, aliases } = job;
  const { root } = job.options;
  const { spec, source, tag } = located;
  const what = source.imageAt(tag);
  const opening = openLayer(located, job.cache, progressOf(located, op), op);
  const staged = join(job.spool.newFile(), "prefix");
  const unpackJob = {
    what: `the layer of ${what}`,
    folder: staged,
    diffId: spec.diffId,
    relativePrefix: defaultRelativePrefix(spec.root),
  };
  const layer = opening.then(({ stream }) => stream);
  const unpacked = await job.threads.stage(unpackJob, layer, located.layer.size, op);
  const download = await opening;
  const info = parseBuildInfo(unpacked.buildInfo, `the build info of ${what}`);
  const prefix = prefixIn(root, spec.root, info.relativePrefix);
  refuseOverlap(spec.root, prefix, register);
  job.claimed(prefix);
  const target = { root, prefix, prefixes: await newPrefixes(job), sbang: sbangPathIn(root) };
  const finishJob = finishJobOf(job, info, target);
  const { report, remains } = await withDependencies(job, unpacked.finish(finishJob, op));
  await aliases.makeLinks(report.aliases);
  warnOfRemains(spec.root, report, remains, info.buildpath, op);
  await keepEnvironment({ root, hash: spec.root.hash, prefix }, imageEnvironment(spec, info, target));
  await download.cached;
  op.signal?.throwIfAborted();
  return {
    prefix,
    remains,
    bytesFetched: download.fetched ? located.layer.size : 0,
    place: () => moveInto(staged, prefix, job.spool),
  };
}

function finishJobOf({ located, aliases, options }: PackageJob, info: BuildInfo, target: RelocationTarget): FinishJob {
  const { layer } = located;
  const { root: spec, diffId } = located.spec;
  const platform = spec.arch.platform === "darwin" ? "darwin" : "linux";
  return {
    label: labelOf(spec),
    info,
    oldPaths: relocationNeedles(info),
    target,
    offsets: pathOffsetsOf(layer, diffId, { binaries: info.relocateBinaries, textFiles: info.relocateTextfiles }),
    aliases: reserveAliases(info, target, aliases.aliasOf),
    aliasFolder: aliases.folder,
    allowUnrelocatable: options.allowUnrelocatable ?? false,
    platform,
    // Of use for macOS's packages only, and large for a message to a thread.
    env: platform === "darwin" ? (options.env ?? {}) : {},
  };
}

/** New prefixes of the package and what it needs, by the hashes that its build info names; waits until they are known. */
async function newPrefixes({ located, prefixOf }: PackageJob): Promise<Map<string, string>> {
  const { spec } = located;
  const prefixes = new Map<string, string>();
  for (const hash of dependenciesOf(spec)) {
    const prefix = await prefixOf(hash);
    if (prefix !== undefined) prefixes.set(hash, prefix);
  }
  return prefixesByBuildHash(spec, (hash) => prefixes.get(hash));
}

/** The result of a task on a package, once what the package needs is prepared; if that fails, its failure says more than the task's. */
async function withDependencies<T>(job: PackageJob, task: Promise<T>): Promise<T> {
  const prepared = async (): Promise<void> => {
    for (const hash of dependenciesOf(job.located.spec)) await job.prepared(hash);
  };
  const [needed, done] = await Promise.allSettled([prepared(), task]);
  if (needed.status === "rejected") throw needed.reason;
  if (done.status === "rejected") throw done.reason;
  return done.value;
}

/** DAG hashes of what a package needs and a store has. */
function dependenciesOf({ root, nodes }: CachedSpec): string[] {
  return [...nodes.values()]
    .filter(({ hash, external }) => hash !== root.hash && external === undefined)
    .map(({ hash }) => hash);
}

/** What lies at the prefix already is not in the database, or is to be replaced: it is put aside, and goes with the staging folder. */
async function moveInto(staged: string, prefix: string, spool: Spool): Promise<void> {
  try {
    await makeFolders(dirname(prefix));
    await rename(prefix, spool.newFile()).catch((error: unknown) => {
      if (systemCodeOf(error) !== "ENOENT") throw error;
    });
    await rename(staged, prefix);
  } catch (error) {
    throw asStorageError(error, `moving a package to ${prefix}`);
  }
}

function refuseOverlap(spec: ConcreteSpec, prefix: string, register: StoreRegister): void {
  const other = register.claim(spec.hash, prefix);
  if (other === undefined) return;
  throw new SpkociError(
    "STORAGE_FAILED",
    `${labelOf(spec)} wants the prefix ${prefix}, but ${other} is another package's`,
    {
      hint: "The package's tarball names a place that is taken; install it under another root.",
    },
  );
}

const PROGRESS_MS = 100;

/** Tells how much of a layer is here, at most every 100 ms and at its end. */
function progressOf({ spec, layer }: LocatedPackage, op: Op): (bytes: number) => void {
  let bytes = 0;
  let last = Number.NEGATIVE_INFINITY;
  return (more) => {
    bytes += more;
    const now = performance.now();
    if (now - last < PROGRESS_MS && bytes < layer.size) return;
    last = now;
    const named = { hash: spec.root.hash, package: labelOf(spec.root) };
    op.emit?.({ type: "package-progress", ...named, stage: "download", bytes, total: layer.size });
  };
}
