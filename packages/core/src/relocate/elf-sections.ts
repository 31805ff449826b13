import { type Edit, invalidBinary } from "./byte-source.js";
import { ET_EXEC, SHN_LORESERVE, SHT_DYNSYM, SHT_REL, SHT_RELA, SHT_SYMTAB, SHT_SYMTAB_SHNDX } from "./elf-format.js";
import type { Layout, Move } from "./elf-layout.js";
import { sectionsWithin } from "./elf-parts.js";
import type { ElfFile, Section } from "./elf-reader.js";

export interface SectionPlan {
  readonly edits: readonly Edit[];
  /** Index of the section with the sections' names afterwards. */
  readonly nameTable: number;
}

/**
 * Section headers and symbols after the moves. patchelf expects sections in the order of the file where addresses aren't fixed, so that
 * those that move come last there, and in the order of the linker where they are.
 */
export function planSections(elf: ElfFile, { moves, namesAt }: Layout): SectionPlan {
  const { sections, codec, source, header } = elf;
  const places = placesAfter(sections, moves);
  if (places.size === 0) return { edits: [], nameTable: header.shstrndx };
  const offsetOf = (index: number): number => places.get(index)?.offset ?? 0;
  const order =
    header.type === ET_EXEC
      ? sections
      : [
          ...sections.filter(({ index }) => !places.has(index)),
          ...sections.filter(({ index }) => places.has(index)).sort((a, b) => offsetOf(a.index) - offsetOf(b.index)),
        ];
  const newIndex = new Map(order.map(({ index }, at) => [index, at]));
  const renumber = (index: number): number => newIndex.get(index) ?? index;

  const names = namesAt === undefined ? undefined : sections[header.shstrndx];
  const moveNames: Edit[] = [];
  if (names !== undefined && namesAt !== undefined) {
    places.set(names.index, { offset: namesAt, addr: names.addr, length: names.length });
    moveNames.push({ offset: namesAt, bytes: Buffer.from(source.read(names.offset, names.length)) });
  }
  const size = codec.sizeOf("shdr");
  const old = source.read(header.shoff, header.shnum * size);
  const table = Buffer.alloc(old.length);
  for (const [at, section] of order.entries()) {
    const bytes = table.subarray(at * size, (at + 1) * size);
    old.copy(bytes, 0, section.index * size, (section.index + 1) * size);
    const place = places.get(section.index);
    if (place !== undefined) {
      codec.set("shdr", "addr", place.addr, bytes);
      codec.set("shdr", "offset", place.offset, bytes);
      codec.set("shdr", "size", place.length, bytes);
    }
    codec.set("shdr", "link", renumber(section.link), bytes);
    const isOfSection = section.type === SHT_REL || section.type === SHT_RELA;
    if (isOfSection) codec.set("shdr", "info", renumber(section.info), bytes);
  }
  return {
    edits: [{ offset: header.shoff, bytes: table }, ...moveNames, ...symbolEdits(elf, moves, renumber)],
    nameTable: renumber(header.shstrndx),
  };
}

interface Place {
  readonly offset: number;
  readonly addr: number;
  readonly length: number;
}

function placesAfter(sections: readonly Section[], moves: readonly Move[]): Map<number, Place> {
  const places = new Map<number, Place>();
  for (const { part, offset, addr } of moves) {
    for (const section of sectionsWithin(sections, part.old)) {
      const delta = section.offset - part.old.offset;
      const isWhole = section.length === part.old.length;
      const length = isWhole ? part.bytes.length : section.length;
      places.set(section.index, { offset: offset + delta, addr: addr + delta, length });
    }
  }
  return places;
}

/** The numbers of sections in the symbol tables; one that moves is changed in its part, before it is written. */
function symbolEdits(elf: ElfFile, moves: readonly Move[], renumber: (index: number) => number): Edit[] {
  const { sections, source } = elf;
  if (sections.every(({ index }) => renumber(index) === index)) return [];
  if (sections.some(({ type }) => type === SHT_SYMTAB_SHNDX)) {
    throw invalidBinary(source.name, "its symbols count more sections than it has");
  }
  const edits: Edit[] = [];
  for (const { type, offset, length } of sections) {
    if ((type !== SHT_SYMTAB && type !== SHT_DYNSYM) || length === 0) continue;
    const moved = moves.find(({ part }) => offset >= part.old.offset && offset < part.old.offset + part.old.length);
    if (moved !== undefined) {
      const at = offset - moved.part.old.offset;
      renumberSymbols(elf, moved.part.bytes.subarray(at, at + length), renumber);
      continue;
    }
    const bytes = Buffer.from(source.read(offset, length));
    renumberSymbols(elf, bytes, renumber);
    edits.push({ offset, bytes });
  }
  return edits;
}

function renumberSymbols({ codec }: ElfFile, table: Buffer, renumber: (index: number) => number): void {
  const size = codec.sizeOf("sym");
  for (let at = 0; at + size <= table.length; at += size) {
    const index = codec.get("sym", "shndx", table, at);
    if (index > 0 && index < SHN_LORESERVE) codec.set("sym", "shndx", renumber(index), table, at);
  }
}
