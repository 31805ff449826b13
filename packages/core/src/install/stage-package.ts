import type { Readable } from "node:stream";
import type { Digest } from "../base/digest.js";
import type { Op } from "../base/op.js";
import { makeReadOnly, type UnpackedPrefix, unpackLayer } from "../layer/unpack-layer.js";
import { type PrefixFiles, UnpackedFiles } from "../layer/unpacked-files.js";
import type { KnownFiles } from "../relocate/known-file.js";
import type { RelocationTarget } from "../relocate/prefix-map.js";
import { type RelocationReport, relocatePrefix } from "../relocate/relocate-prefix.js";
import { filterByContent, findRemains } from "../relocate/remains.js";
import type { BuildInfo } from "../spack/build-info.js";
import { withoutPadding } from "../spack/padding.js";
import { type KnownContent, writeInstallManifest } from "../spack/write-install-manifest.js";
import { signerFor } from "./sign.js";

/** What is to be unpacked, and where. Plain data. */
export interface UnpackJob {
  /** Names the layer in messages. */
  readonly what: string;
  /** The folder to be made. */
  readonly folder: string;
  readonly diffId: Digest | undefined;
  /** Where the prefix is supposed to lie in its store. */
  readonly relativePrefix: string;
}

/** How an unpacked package is made ready for its prefix. Plain data. */
export interface FinishJob {
  /** The package, for messages. */
  readonly label: string;
  readonly info: BuildInfo;
  /** The paths of `relocationNeedles`. */
  readonly oldPaths: readonly string[];
  readonly target: RelocationTarget;
  /** Where old paths stand in files, by paths in the prefix, as the image says. */
  readonly offsets: ReadonlyMap<string, readonly number[]>;
  /** By new prefix: a short path that leads to it, for strings without room. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly aliasFolder: string;
  readonly allowUnrelocatable: boolean;
  readonly platform: "linux" | "darwin";
  /** Variables that lead to the program that signs. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface FinishedPackage {
  readonly report: RelocationReport;
  /** Paths in the prefix of files that name the old root and are left as they are. */
  readonly remains: readonly string[];
}

/** A package that is unpacked. */
export interface StagedPackage {
  /** The text of its build info. */
  readonly buildInfo: string;
  /**
   * Relocates it, and writes its install manifest. To be called once.
   * @throws SpkociError as `relocatePrefix` and `writeInstallManifest`
   */
  finish(job: FinishJob, op: Op): Promise<FinishedPackage>;
}

/**
 * Unpacks a package's layer.
 * @throws SpkociError as `unpackLayer`
 */
export async function stagePackage(job: UnpackJob, layer: Readable, op: Op): Promise<StagedPackage> {
  const { what, folder, diffId, relativePrefix } = job;
  const look = new UnpackedFiles(relativePrefix);
  const unpacked = await unpackLayer({ layer, what, destination: folder, diffId, look }, op);
  const { buildInfo } = unpacked;
  const contents = look.inPrefix(unpacked.prefix.slice(1), unpacked.sink);
  return {
    buildInfo,
    finish: async (finish, finishOp) => {
      const { prefix } = finish.target;
      const finished = await relocateStaged(folder, contents, finish, finishOp);
      const known = (path: string): KnownContent | undefined => contents.byPath.get(path)?.content;
      await writeInstallManifest({ prefix, path: folder, known, permissions: readOnlyModes(unpacked) }, finishOp);
      makeReadOnly(folder, unpacked);
      return finished;
    },
  };
}

/** The permissions that `makeReadOnly` gives, by paths in the prefix: to all names of a file at once. */
function readOnlyModes({ readOnly, hardlinks }: UnpackedPrefix): Map<string, number> {
  const modes = new Map(readOnly.map(({ path, mode }) => [path, mode]));
  for (const { path, target } of hardlinks) {
    const mode = modes.get(target);
    if (mode !== undefined) modes.set(path, mode);
  }
  return modes;
}

async function relocateStaged(folder: string, contents: PrefixFiles, job: FinishJob, op: Op): Promise<FinishedPackage> {
  const { info, target, aliases } = job;
  const isKnown = isLookedFor(job, contents.root);
  const known: KnownFiles = {
    byPath: contents.byPath,
    mayName: (path) => !isKnown || contents.byPath.get(path)?.mentions?.store !== false,
    writeChanged: (path, content) => contents.writeChanged(path, content),
  };
  const report = await relocatePrefix(
    {
      folder,
      what: job.label,
      info,
      target,
      known,
      offsets: job.offsets,
      aliasOf: (newPrefix) => aliases.get(newPrefix) ?? newPrefix,
      aliasFolder: job.aliasFolder,
      allowUnrelocatable: job.allowUnrelocatable,
      sign: signerFor(job.env),
      platform: job.platform,
    },
    op,
  );
  contents.writeRest();
  if (info.buildpath === target.root) return { report, remains: [] };
  const listed = new Set([...info.relocateBinaries, ...info.relocateTextfiles]);
  const remains = isKnown
    ? await remainsAmong(folder, contents, listed, info.buildpath, op)
    : await findRemains(folder, info.buildpath, listed, op.signal);
  return { report, remains };
}

/** Whether all that relocation replaces is found by what was looked for. */
function isLookedFor({ info, oldPaths }: FinishJob, root: string | undefined): boolean {
  if (root === undefined || info.buildpath !== root) return false;
  return oldPaths.every((path) => path.startsWith(withoutPadding(root)));
}

/** What `findRemains` finds, without a look at files that are as they were in the archive. */
async function remainsAmong(
  folder: string,
  { byPath }: PrefixFiles,
  listed: ReadonlySet<string>,
  oldRoot: string,
  op: Op,
): Promise<readonly string[]> {
  const naming = [...byPath].filter(
    ([path, { mentions }]) => mentions?.root && !listed.has(path) && !path.startsWith(".spack/"),
  );
  const untouched = naming.filter(([, file]) => !file.wasChanged).map(([path]) => path);
  const changed = naming.filter(([, file]) => file.wasChanged).map(([path]) => path);
  return [...untouched, ...(await filterByContent(folder, changed, oldRoot, op.signal))].sort();
}
