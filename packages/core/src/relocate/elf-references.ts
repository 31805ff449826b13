import { invalidBinary } from "./byte-source.js";
import {
  DT_AUDIT,
  DT_AUXILIARY,
  DT_CONFIG,
  DT_DEPAUDIT,
  DT_FILTER,
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
  PT_LOAD,
  SHT_DYNSYM,
  TABLE_TAGS,
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
 * is the end of another one only once, so that any place may be in use. undefined if the symbols can't be found.
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
  const size = codec.sizeOf("sym");
  const table = source.read(offset, count * size);
  return Array.from({ length: count }, (_, index) => codec.get("sym", "name", table, index * size));
}

function symbolCount(elf: ElfFile, dynamic: Dynamic, symbolsAt: number): number {
  const { codec, source, segments, sections } = elf;
  const section = sections.find(({ type, offset }) => type === SHT_DYNSYM && offset === symbolsAt);
  if (section !== undefined) return Math.floor(section.length / codec.sizeOf("sym"));
  const hash = tagValue(dynamic, DT_HASH);
  const hashAt = hash === undefined ? undefined : offsetOfAddress(segments, hash);
  // nbucket, nchain: as many chains as symbols.
  if (hashAt !== undefined) return codec.get("half", "value", source.read(hashAt + 4, 4));
  return Math.floor((endOfSymbols(elf, dynamic, symbolsAt) - symbolsAt) / codec.sizeOf("sym"));
}

/**
 * Where the symbols end at the latest: at the next table that the dynamic section names. Too many symbols do no harm: their
 * names only seem to be in use.
 */
function endOfSymbols({ segments }: ElfFile, dynamic: Dynamic, symbolsAt: number): number {
  const home = segments.find(
    ({ type, offset, filesz }) => type === PT_LOAD && offset <= symbolsAt && symbolsAt < offset + filesz,
  );
  const starts = dynamic.entries
    .filter(({ tag }) => TABLE_TAGS.has(tag))
    .map(({ value }) => offsetOfAddress(segments, value))
    .filter((start) => start !== undefined)
    .filter((start) => start > symbolsAt);
  const end = home === undefined ? symbolsAt : home.offset + home.filesz;
  return starts.reduce((least, start) => Math.min(least, start), end);
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
