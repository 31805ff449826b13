import { readlink, symlink, unlink } from "node:fs/promises";
import { posix } from "node:path";
import { mapConcurrently } from "../base/concurrency.js";
import { asStorageError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { BuildInfo } from "../spack/build-info.js";
import type { AliasOf } from "./alias.js";
import { relocateTarget } from "./links.js";
import { type PrefixMap, planPrefixMaps, type RelocationTarget } from "./prefix-map.js";
import { relocateBinaryFile } from "./relocate-binary.js";
import { relocateTextFile, type Sbang } from "./relocate-text-file.js";
import { DARWIN_SHEBANG, LINUX_SHEBANG } from "./shebang.js";
import { pathTooLong, type Unheld } from "./too-long.js";
import { PrefixTree, type TreeFile } from "./tree-file.js";

export interface RelocateOptions {
  /** The folder that holds the unpacked prefix; nobody else uses it yet. */
  readonly folder: string;
  /** The package, for messages. */
  readonly what: string;
  readonly info: BuildInfo;
  readonly target: RelocationTarget;
  /** Short paths to new prefixes, for strings that can't hold the prefixes themselves. The links are for the caller to make. */
  readonly aliasOf?: AliasOf | undefined;
  /** The folder of those links, for the error's advice. */
  readonly aliasFolder?: string | undefined;
  /** Leave what can't hold its new path as it is, and report it. */
  readonly allowUnrelocatable?: boolean | undefined;
  /** What the store is for; `linux` unless told. */
  readonly platform?: "linux" | "darwin" | undefined;
  /** Signs a Mach-O file that was changed; macOS starts no program whose signature doesn't hold. */
  readonly sign?: ((path: string, signal: AbortSignal) => Promise<void>) | undefined;
  /** Files up to this size, in bytes, are read whole, larger ones in pieces; 8 MiB unless told. */
  readonly wholeLimit?: number | undefined;
}

export interface RelocationReport {
  /** Paths in the prefix of what was changed, in the order of the lists. */
  readonly changed: readonly string[];
  /** What has no room for its new path and was left as it was. `file` is a path in the prefix. */
  readonly unheld: readonly Unheld[];
  /** Binaries whose structure can't be read, so that their run paths stay as they were, with the reason. */
  readonly malformed: readonly { readonly file: string; readonly reason: string }[];
  /** By new prefix: the short path that strings have instead. */
  readonly aliases: ReadonlyMap<string, string>;
}

const WHOLE_LIMIT = 8 * 1024 * 1024;
const CONCURRENCY = 2;

/**
 * Relocates an unpacked prefix in place (format page, section 6): the binaries, text files and links that its build info lists. Hard
 * links stay hard links, modes stay as they are.
 * @throws SpkociError RELOCATION_TOO_LONG if something can't hold its new path, unless that is allowed; RELOCATION_FAILED for a list
 *   that names what isn't in the prefix; NO_SPACE or STORAGE_FAILED. The prefix is of no use then.
 */
export async function relocatePrefix(options: RelocateOptions, op: Op = {}): Promise<RelocationReport> {
  const { info, target, what, allowUnrelocatable = false } = options;
  const maps = planPrefixMaps(info, target);
  const tree = new PrefixTree(options.folder);
  const report = { changed: [] as string[], unheld: [] as Unheld[], malformed: [] as Malformed[], aliases: new Map() };
  const runs: [readonly string[], PrefixMap, Relocate][] = [
    [info.relocateBinaries, maps.binary, relocateOneBinary],
    [info.relocateTextfiles, maps.text, relocateOneText],
    [info.relocateLinks, maps.binary, relocateOneLink],
  ];
  const seen = new Set<string>();
  for (const [list, map, relocate] of runs) {
    if (map.isEmpty) continue;
    const outcomes = await mapConcurrently(
      list,
      CONCURRENCY,
      async (path, signal) => {
        try {
          const file = await tree.find(path);
          const inode = `${file.stats.dev}:${file.stats.ino}`;
          if (seen.has(inode)) return undefined;
          seen.add(inode);
          return await relocate(file, map, options, signal);
        } catch (error) {
          throw asStorageError(error, `relocating ${path} of ${what}`);
        }
      },
      op.signal,
    );
    collect(list, outcomes, report);
  }
  if (report.unheld.length > 0 && !allowUnrelocatable)
    throw pathTooLong(what, report.unheld, target.root, options.aliasFolder);
  return report;
}

interface Malformed {
  readonly file: string;
  readonly reason: string;
}

/** What became of one file. */
interface Outcome {
  readonly changed: boolean;
  readonly unheld?: readonly Unheld[];
  readonly malformed?: string | undefined;
  readonly aliases?: ReadonlyMap<string, string>;
}

type Relocate = (file: TreeFile, map: PrefixMap, options: RelocateOptions, signal: AbortSignal) => Promise<Outcome>;

const UNCHANGED: Outcome = { changed: false };

async function relocateOneBinary(
  file: TreeFile,
  map: PrefixMap,
  { aliasOf, sign, wholeLimit = WHOLE_LIMIT }: RelocateOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  if (!file.stats.isFile()) return UNCHANGED;
  const outcome = await relocateBinaryFile(file, map, { aliasOf, wholeLimit });
  if (outcome.changed && outcome.isMachO) await sign?.(file.onDisk, signal);
  return outcome;
}

async function relocateOneText(
  file: TreeFile,
  map: PrefixMap,
  options: RelocateOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  if (!file.stats.isFile()) return UNCHANGED;
  const { target, aliasOf, wholeLimit = WHOLE_LIMIT } = options;
  const rootAlias = aliasOf && ((): string => aliasOf(target.root, options.info.buildpath));
  const sbang: Sbang = {
    path: target.sbang,
    shorter: rootAlias && (() => posix.join(rootAlias(), "bin", "sbang")),
    limits: options.platform === "darwin" ? DARWIN_SHEBANG : LINUX_SHEBANG,
  };
  const outcome = await relocateTextFile(file, map, sbang, { wholeLimit, signal });
  const usesAlias = rootAlias !== undefined && outcome.sbang !== undefined && outcome.sbang !== target.sbang;
  return usesAlias ? { ...outcome, aliases: new Map([[target.root, rootAlias()]]) } : outcome;
}

async function relocateOneLink({ onDisk, stats }: TreeFile, map: PrefixMap): Promise<Outcome> {
  if (!stats.isSymbolicLink()) return UNCHANGED;
  const target = relocateTarget(await readlink(onDisk, { encoding: "buffer" }), map);
  if (target === undefined) return UNCHANGED;
  await unlink(onDisk);
  await symlink(target, onDisk);
  return { changed: true };
}

function collect(
  list: readonly string[],
  outcomes: readonly (Outcome | undefined)[],
  report: { changed: string[]; unheld: Unheld[]; malformed: Malformed[]; aliases: Map<string, string> },
): void {
  for (const [i, outcome] of outcomes.entries()) {
    const file = list[i] ?? "";
    if (outcome?.changed) report.changed.push(file);
    if (outcome?.malformed !== undefined) report.malformed.push({ file, reason: outcome.malformed });
    for (const one of outcome?.unheld ?? []) report.unheld.push(one);
    for (const [prefix, alias] of outcome?.aliases ?? []) report.aliases.set(prefix, alias);
  }
}
