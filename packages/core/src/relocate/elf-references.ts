import { invalidBinary } from "./byte-source.js";
import {
  DT_AUDIT,
  DT_AUXILIARY,
  DT_CONFIG,
  DT_DEPAUDIT,
  DT_FILTER,
  DT_GNU_HASH,
  DT_HASH,
  DT_NEEDED,
  DT_RPATH,
  DT_RUNPATH,
  DT_SONAME,
  DT_SYMTAB,
  DT_VERDEF,
  DT_VERDEFNUM,
  DT_VERNEED,
  DT_VERNEEDNUM,
  SHT_DYNSYM,
} from "./elf-format.js";
import { type Dynamic, type ElfFile, offsetOfAddress, tagValue } from "./elf-reader.js";

/** Tags whose value is the offset of a string, other than those of the run paths. */
const STRING_TAGS: ReadonlySet<number> = new Set([
  DT_NEEDED,
  DT_SONAME,
  DT_CONFIG,
  DT_DEPAUDIT,
  DT_AUDIT,
  DT_AUXILIARY,
  DT_FILTER,
]);

export function isRunPath(tag: number): boolean {
  return tag === DT_RPATH || tag === DT_RUNPATH;
}

/**
 * Offsets of all dynamic strings that something other than the run paths uses: symbols, libraries, versions. Linkers store a string that
 * is the end of another one only once, so that any place may be in use. undefined if the symbols can't be counted.
 */
export function stringReferences(elf: ElfFile, dynamic: Dynamic): readonly number[] | undefined {
  const symbols = symbolNames(elf, dynamic);
  if (symbols === undefined) return undefined;
  const tags = dynamic.entries.filter(({ tag }) => STRING_TAGS.has(tag)).map(({ value }) => value);
  return [...tags, ...symbols, ...versionNames(elf, dynamic)];
}

function symbolNames(elf: ElfFile, dynamic: Dynamic): number[] | undefined {
  const { codec, source, segments } = elf;
  const addr = tagValue(dynamic, DT_SYMTAB);
  const offset = addr === undefined ? undefined : offsetOfAddress(segments, addr);
  if (offset === undefined) return undefined;
  const count = symbolCount(elf, dynamic, offset);
  if (count === undefined) return undefined;
  const size = codec.sizeOf("sym");
  const table = source.read(offset, count * size);
  return Array.from({ length: count }, (_, index) => codec.get("sym", "name", table, index * size));
}

function symbolCount(elf: ElfFile, dynamic: Dynamic, symbolsAt: number): number | undefined {
  const { codec, source, segments, sections } = elf;
  const section = sections.find(({ type, offset }) => type === SHT_DYNSYM && offset === symbolsAt);
  if (section !== undefined) return Math.floor(section.length / codec.sizeOf("sym"));
  const gnuHash = tagValue(dynamic, DT_GNU_HASH);
  if (gnuHash !== undefined) return countByGnuHash(elf, offsetOfAddress(segments, gnuHash));
  const hash = tagValue(dynamic, DT_HASH);
  const offset = hash === undefined ? undefined : offsetOfAddress(segments, hash);
  // nbucket, nchain: as many chains as symbols.
  return offset === undefined ? undefined : codec.get("half", "value", source.read(offset + 4, 4));
}

/** The last symbol is at the end of the chain that begins last. */
function countByGnuHash({ codec, source }: ElfFile, offset: number | undefined): number | undefined {
  if (offset === undefined) return undefined;
  const half = (at: number): number => codec.get("half", "value", source.read(at, 4));
  const [bucketCount, firstHashed, bloomCount] = [half(offset), half(offset + 4), half(offset + 8)];
  const bucketsAt = offset + 16 + bloomCount * codec.sizeOf("word");
  const buckets = source.read(bucketsAt, bucketCount * 4);
  let last = 0;
  for (let at = 0; at < buckets.length; at += 4) last = Math.max(last, codec.get("half", "value", buckets, at));
  if (last < firstHashed) return firstHashed;
  const chainAt = bucketsAt + buckets.length;
  // Each entry of a chain has its lowest bit set at the end only.
  while (half(chainAt + (last - firstHashed) * 4) % 2 === 0) last += 1;
  return last + 1;
}

function versionNames(elf: ElfFile, dynamic: Dynamic): number[] {
  const needed = versionList(elf, dynamic, DT_VERNEED, DT_VERNEEDNUM, "verneed", "vernaux");
  const defined = versionList(elf, dynamic, DT_VERDEF, DT_VERDEFNUM, "verdef", "verdaux");
  return [...needed, ...defined];
}

/** Names in a list of versions: each entry leads to the next one and to a list of its own. */
function versionList(
  { codec, source, segments }: ElfFile,
  dynamic: Dynamic,
  addrTag: number,
  countTag: number,
  entry: "verneed" | "verdef",
  aux: "vernaux" | "verdaux",
): number[] {
  const addr = tagValue(dynamic, addrTag);
  const start = addr === undefined ? undefined : offsetOfAddress(segments, addr);
  if (start === undefined) return [];
  const names: number[] = [];
  let budget = Math.floor(source.size / codec.sizeOf(aux)) + 1;
  let at = start;
  for (let left = tagValue(dynamic, countTag) ?? 0; left > 0; left -= 1) {
    const head = source.read(at, codec.sizeOf(entry));
    if (entry === "verneed") names.push(codec.get("verneed", "file", head));
    let auxAt = at + codec.get(entry, "aux", head);
    for (let auxLeft = codec.get(entry, "count", head); auxLeft > 0; auxLeft -= 1) {
      budget -= 1;
      if (budget < 0) throw invalidBinary(source.name, "its list of versions has no end");
      const bytes = source.read(auxAt, codec.sizeOf(aux));
      names.push(codec.get(aux, "name", bytes));
      const next = codec.get(aux, "next", bytes);
      if (next === 0) break;
      auxAt += next;
    }
    const next = codec.get(entry, "next", head);
    if (next === 0) break;
    at += next;
    budget -= 1;
    if (budget < 0) throw invalidBinary(source.name, "its list of versions has no end");
  }
  return names;
}
