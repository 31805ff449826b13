import { invalidBinary } from "./byte-source.js";
import type { Dynamic, DynamicEntry, ElfFile } from "./elf-reader.js";
import { isRunPath, stringReferences } from "./elf-references.js";
import type { PrefixMap } from "./prefix-map.js";

/** A run path that changes: the tags that use it and where its string stands in the table. */
export interface RunPathChange {
  readonly entries: readonly DynamicEntry[];
  readonly at: number;
  readonly oldPath: Buffer;
  readonly newPath: Buffer;
  /** Whether the new string can stand where the old one does. */
  readonly fits: boolean;
  /** Bytes of the old string, from its start, that nothing else uses. */
  readonly ownLength: number;
}

/** Files have one, seldom two. */
const RUN_PATH_LIMIT = 16;

/** The run paths (DT_RPATH, DT_RUNPATH) that name one of the old prefixes, and what becomes of them. */
export function planRunPaths(elf: ElfFile, dynamic: Dynamic, map: PrefixMap): RunPathChange[] {
  const byOffset = new Map<number, DynamicEntry[]>();
  for (const entry of dynamic.entries) {
    if (isRunPath(entry.tag)) byOffset.set(entry.value, [...(byOffset.get(entry.value) ?? []), entry]);
  }
  if (byOffset.size > RUN_PATH_LIMIT) throw invalidBinary(elf.source.name, "it has too many run paths");
  const changes: Omit<RunPathChange, "fits" | "ownLength">[] = [];
  for (const [at, entries] of byOffset) {
    const oldPath = stringAt(elf, dynamic, at);
    const newPath = replaceInRunPath(oldPath, map);
    if (newPath !== undefined) changes.push({ entries, at, oldPath, newPath });
  }
  if (changes.length === 0) return [];
  const references = stringReferences(elf, dynamic);
  return changes.map((change) => {
    const others = references && [...references, ...[...byOffset.keys()].filter((at) => at !== change.at)];
    return { ...change, ...roomOf(change, dynamic.strings.bytes, others) };
  });
}

/** Each path of the list that begins with an old prefix; empty ones go when something changes, as Spack does it. */
function replaceInRunPath(list: Buffer, map: PrefixMap): Buffer | undefined {
  const paths = splitList(list).filter((path) => path.length > 0);
  const replaced = paths.map((path) => map.replaceStart(path));
  if (replaced.every((path) => path === undefined)) return undefined;
  const joined = paths.flatMap((path, i) => [COLON, replaced[i] ?? path]);
  return Buffer.concat(joined.slice(1));
}

const COLON = Buffer.from(":");

function splitList(list: Buffer): Buffer[] {
  const paths: Buffer[] = [];
  let from = 0;
  for (let at = list.indexOf(COLON); at >= 0; at = list.indexOf(COLON, from)) {
    paths.push(list.subarray(from, at));
    from = at + 1;
  }
  return [...paths, list.subarray(from)];
}

function roomOf(
  { at, oldPath, newPath }: Pick<RunPathChange, "at" | "oldPath" | "newPath">,
  table: Buffer,
  others: readonly number[] | undefined,
): Pick<RunPathChange, "fits" | "ownLength"> {
  if (others === undefined) return { fits: false, ownLength: 0 };
  const holderAt = at === 0 ? 0 : table.lastIndexOf(0, at - 1) + 1;
  const isPartOfOther = others.some((other) => other >= holderAt && other <= at);
  if (isPartOfOther) return { fits: false, ownLength: 0 };
  const end = at + oldPath.length;
  let next = table.length;
  for (const other of others) if (other > at && other < next) next = other;
  if (next < end) return { fits: false, ownLength: next - at };
  // Zeros that no string begins in are room too: a longer string stood there.
  let zeros = end + 1;
  while (zeros < next && table[zeros] === 0) zeros += 1;
  return { fits: newPath.length < zeros - at, ownLength: oldPath.length };
}

function stringAt(elf: ElfFile, { strings }: Dynamic, at: number): Buffer {
  const end = at < strings.length ? strings.bytes.indexOf(0, at) : -1;
  if (end < 0) throw invalidBinary(elf.source.name, "a run path lies outside of its dynamic strings");
  return strings.bytes.subarray(at, end);
}
