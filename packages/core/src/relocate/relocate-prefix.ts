import { readlink, symlink, unlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { mapConcurrently } from "../base/concurrency.js";
import { asStorageError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { BuildInfo } from "../spack/build-info.js";
import type { AliasOf } from "./alias.js";
import type { KnownFile, KnownFiles } from "./known-file.js";
import { relocateTarget } from "./links.js";
import { type PrefixMap, planPrefixMaps, type RelocationTarget } from "./prefix-map.js";
import { RecordedPlaces } from "./recorded-places.js";
import { relocateBinary, relocateBinaryFile } from "./relocate-binary.js";
import { relocateTextBytes, relocateTextFile, type Sbang, type TextOutcome } from "./relocate-text-file.js";
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
  /** What is known of the files; where it says that they can't be changed by this they aren't looked at. */
  readonly known?: KnownFiles | undefined;
  /** Where old paths stand in files, by paths in the prefix, as the cache says: the untrusted record of a push. */
  readonly offsets?: ReadonlyMap<string, readonly number[]> | undefined;
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
  const recorded = options.offsets && new RecordedPlaces(info, options.offsets);
  const runs: [readonly string[], PrefixMap, Relocation][] = [
    [info.relocateBinaries, maps.binary, binaryRelocation(maps.binary, options, recorded)],
    [info.relocateTextfiles, maps.text, textRelocation(maps.text, options, recorded)],
    [info.relocateLinks, maps.binary, linkRelocation(maps.binary)],
  ];
  const seen = new Set<string | KnownFile>();
  const isFirst = (file: string | KnownFile): boolean => !seen.has(file) && seen.add(file).has(file);
  const relocateOne = async (path: string, relocation: Relocation, signal: AbortSignal): Promise<Outcome> => {
    const known = options.known?.byPath.get(path);
    if (known !== undefined) {
      if (!isFirst(known) || options.known?.mayName(path) === false) return UNCHANGED;
      if (known.held !== undefined) return relocateHeld(path, known, relocation, options, signal);
    }
    const file = await tree.find(path);
    if (known === undefined && !isFirst(`${file.stats.dev}:${file.stats.ino}`)) return UNCHANGED;
    const outcome = await relocation.onDisk(file, signal);
    if (outcome.changed) known?.setChanged();
    return outcome;
  };
  for (const [list, map, relocation] of runs) {
    if (map.isEmpty) continue;
    const outcomes = await mapConcurrently(
      list,
      CONCURRENCY,
      (path, signal) =>
        relocateOne(path, relocation, signal).catch((error: unknown) => {
          throw asStorageError(error, `relocating ${path} of ${what}`);
        }),
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
  readonly isMachO?: boolean;
}

const UNCHANGED: Outcome = { changed: false };

/** How the files of one list are relocated. */
interface Relocation {
  onDisk(file: TreeFile, signal: AbortSignal): Promise<Outcome>;
  /** A regular file in memory. `bytes` are its new content, absent if nothing changes. */
  inMemory?(content: Buffer, name: string, mode: number): InMemoryOutcome;
  /** What is to be done with a file that was changed and written. */
  finish?(path: string, outcome: Outcome, signal: AbortSignal): Promise<boolean>;
}

type InMemoryOutcome = Outcome & { readonly bytes: Buffer | undefined };

async function relocateHeld(
  path: string,
  file: KnownFile,
  { inMemory, finish }: Relocation,
  { folder, known }: RelocateOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { bytes, ...outcome } = inMemory?.(file.held ?? Buffer.alloc(0), path, file.mode) ?? UNCHANGED_IN_MEMORY;
  if (bytes === undefined) return outcome;
  const written = known?.writeChanged(path, bytes) ?? path;
  if (await finish?.(join(folder, written), outcome, signal)) file.setChanged();
  return outcome;
}

const UNCHANGED_IN_MEMORY: InMemoryOutcome = { ...UNCHANGED, bytes: undefined };

function binaryRelocation(map: PrefixMap, options: RelocateOptions, recorded?: RecordedPlaces): Relocation {
  const { aliasOf, sign, wholeLimit = WHOLE_LIMIT } = options;
  /** @returns whether it was signed */
  const finish = async (onDisk: string, outcome: Outcome, signal: AbortSignal): Promise<boolean> => {
    if (!outcome.changed || !outcome.isMachO || sign === undefined) return false;
    await sign(onDisk, signal);
    return true;
  };
  return {
    finish,
    inMemory: (content, name) => relocateBinary(content, name, map, { aliasOf, recorded }),
    onDisk: async (file, signal) => {
      if (!file.stats.isFile()) return UNCHANGED;
      const outcome = await relocateBinaryFile(file, map, { aliasOf, recorded, wholeLimit });
      await finish(file.onDisk, outcome, signal);
      return outcome;
    },
  };
}

function textRelocation(map: PrefixMap, options: RelocateOptions, recorded?: RecordedPlaces): Relocation {
  const { target, aliasOf, wholeLimit = WHOLE_LIMIT } = options;
  const rootAlias = aliasOf && ((): string => aliasOf(target.root, options.info.buildpath));
  const sbang: Sbang = {
    path: target.sbang,
    shorter: rootAlias && (() => posix.join(rootAlias(), "bin", "sbang")),
    limits: options.platform === "darwin" ? DARWIN_SHEBANG : LINUX_SHEBANG,
  };
  const withAlias = <T extends TextOutcome>(outcome: T): T & Pick<Outcome, "aliases"> => {
    const usesAlias = rootAlias !== undefined && outcome.sbang !== undefined && outcome.sbang !== target.sbang;
    return usesAlias ? { ...outcome, aliases: new Map([[target.root, rootAlias()]]) } : outcome;
  };
  return {
    inMemory: (content, name, mode) => withAlias(relocateTextBytes(content, { name, mode }, map, sbang, recorded)),
    onDisk: async (file, signal) => {
      if (!file.stats.isFile()) return UNCHANGED;
      return withAlias(await relocateTextFile(file, map, sbang, { wholeLimit, signal, recorded }));
    },
  };
}

function linkRelocation(map: PrefixMap): Relocation {
  return {
    onDisk: async ({ onDisk, stats }) => {
      if (!stats.isSymbolicLink()) return UNCHANGED;
      const target = relocateTarget(await readlink(onDisk, { encoding: "buffer" }), map);
      if (target === undefined) return UNCHANGED;
      await unlink(onDisk);
      await symlink(target, onDisk);
      return { changed: true };
    },
  };
}

function collect(
  list: readonly string[],
  outcomes: readonly Outcome[],
  report: { changed: string[]; unheld: Unheld[]; malformed: Malformed[]; aliases: Map<string, string> },
): void {
  for (const [i, outcome] of outcomes.entries()) {
    const file = list[i] ?? "";
    if (outcome.changed) report.changed.push(file);
    if (outcome.malformed !== undefined) report.malformed.push({ file, reason: outcome.malformed });
    for (const one of outcome.unheld ?? []) report.unheld.push(one);
    for (const [prefix, alias] of outcome.aliases ?? []) report.aliases.set(prefix, alias);
  }
}
