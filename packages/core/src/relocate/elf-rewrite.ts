import type { Edit, Span } from "./byte-source.js";
import { DT_STRSZ, ET_EXEC, PF_R, PT_INTERP, PT_LOAD, PT_PHDR, TABLE_TAGS } from "./elf-format.js";
import { type Layout, type Move, planLayout } from "./elf-layout.js";
import { isMovableSegment, isWithin, lengthWithPadding, type Part, sectionsWithin } from "./elf-parts.js";
import type { ElfFile, Segment } from "./elf-reader.js";
import { isRunPath } from "./elf-references.js";
import { planSections } from "./elf-sections.js";

/** What has to be longer than it is: the interpreter's path, the dynamic strings, or both. */
export interface Growth {
  readonly interpreter: Buffer | undefined;
  readonly strings: Buffer | undefined;
  /** By offset in the string table now: the offset that run paths move to. */
  readonly runPaths: ReadonlyMap<number, number>;
}

export interface Rewrite {
  readonly edits: readonly Edit[];
  /** Where the dynamic strings lie afterwards. */
  readonly stringsAt: number | undefined;
  /** Where the interpreter's path lies afterwards. */
  readonly interpreterAt: number | undefined;
}

/**
 * Puts what grows into a segment at the end of the file, and updates all that says where it is: program headers, dynamic section,
 * section headers, symbols. What stood there before becomes zeros.
 * @throws SpkociError RELOCATION_INVALID_BINARY
 */
export function planRewrite(elf: ElfFile, growth: Growth): Rewrite {
  const parts: Part[] = [];
  if (elf.interpreter !== undefined && growth.interpreter !== undefined) {
    parts.push({ old: elf.interpreter, bytes: growth.interpreter, align: 1 });
  }
  if (elf.dynamic !== undefined && growth.strings !== undefined) {
    parts.push({ old: spanOf(elf.dynamic.strings), bytes: growth.strings, align: 1 });
  }
  const layout = planLayout(elf, parts);
  const sections = planSections(elf, layout);
  const edits = [
    ...layout.moves.map(({ part }) => ({ offset: part.old.offset, bytes: Buffer.alloc(part.old.length) })),
    ...layout.moves.map(({ part, offset }) => ({ offset, bytes: part.bytes })),
    ...sections.edits,
    ...dynamicEdits(elf, layout.moves, growth),
    ...headerEdits(elf, layout, sections.nameTable),
  ];
  const newOffset = (old: Span | undefined): number | undefined =>
    layout.moves.find(({ part }) => part.old.offset === old?.offset)?.offset ?? old?.offset;
  return { edits, stringsAt: newOffset(elf.dynamic?.strings), interpreterAt: newOffset(elf.interpreter) };
}

/** The ELF header and the program header table. */
function headerEdits(elf: ElfFile, layout: Layout, nameTable: number): Edit[] {
  const { codec, source, header } = elf;
  const table = programHeaders(elf, layout);
  const head = Buffer.from(source.read(0, codec.sizeOf("ehdr")));
  const tableAt = layout.headers?.offset ?? header.phoff;
  codec.set("ehdr", "phoff", tableAt, head);
  codec.set("ehdr", "phnum", table.length / codec.sizeOf("phdr"), head);
  codec.set("ehdr", "shstrndx", nameTable, head);
  return [
    { offset: 0, bytes: head },
    { offset: tableAt, bytes: table },
  ];
}

function programHeaders(elf: ElfFile, layout: Layout): Buffer {
  const { codec, source, header, segments } = elf;
  const size = codec.sizeOf("phdr");
  const old = source.read(header.phoff, header.phnum * size);
  const { region } = layout;
  const entries = segments.map((segment) => {
    const bytes = Buffer.from(old.subarray(segment.index * size, (segment.index + 1) * size));
    updateSegment(elf, layout, segment, bytes);
    return bytes;
  });
  if (!region.isNew) return Buffer.concat(entries);
  const added = Buffer.alloc(size);
  codec.set("phdr", "type", PT_LOAD, added);
  codec.set("phdr", "flags", PF_R, added);
  codec.set("phdr", "align", region.align, added);
  setPlace(elf, added, region);
  setLength(elf, added, region.length);
  return Buffer.concat(entries.toSpliced(region.index, 0, added));
}

function updateSegment(elf: ElfFile, { region, moves, headers }: Layout, segment: Segment, bytes: Buffer): void {
  const { codec, header } = elf;
  if (segment.type === PT_PHDR) {
    if (headers !== undefined) setPlace(elf, bytes, headers);
    setLength(elf, bytes, (header.phnum + (region.isNew ? 1 : 0)) * codec.sizeOf("phdr"));
  } else if (!region.isNew && segment.index === region.index) {
    setLength(elf, bytes, region.length);
  } else if (segment.type === PT_LOAD && header.type === ET_EXEC && headers === undefined) {
    const holdsHeaders = isWithin(
      { offset: header.phoff, length: 1 },
      { offset: segment.offset, length: segment.filesz },
    );
    if (holdsHeaders && elf.sections.length > 0) setLength(elf, bytes, lengthWithPadding(elf, segment));
  } else if (isMovableSegment(segment)) {
    const move = moves.find(({ part }) => isWithin({ offset: segment.offset, length: segment.filesz }, part.old));
    if (move === undefined) return;
    const delta = segment.offset - move.part.old.offset;
    setPlace(elf, bytes, { offset: move.offset + delta, addr: move.addr + delta });
    if (segment.type === PT_INTERP && move.part.old.length === segment.filesz) {
      setLength(elf, bytes, move.part.bytes.length);
    }
  }
}

function setPlace({ codec }: ElfFile, bytes: Buffer, place: { readonly offset: number; readonly addr: number }): void {
  codec.set("phdr", "offset", place.offset, bytes);
  codec.set("phdr", "vaddr", place.addr, bytes);
  codec.set("phdr", "paddr", place.addr, bytes);
}

function setLength({ codec }: ElfFile, bytes: Buffer, length: number): void {
  codec.set("phdr", "filesz", length, bytes);
  codec.set("phdr", "memsz", length, bytes);
}

/** Addresses of what moves, the size of the strings, and the offsets of the run paths. */
function dynamicEdits(elf: ElfFile, moves: readonly Move[], growth: Growth): Edit[] {
  const { codec, dynamic, sections } = elf;
  if (dynamic === undefined) return [];
  const addresses = new Map<number, number>();
  for (const { part, addr } of moves) {
    for (const section of sectionsWithin(sections, part.old)) {
      addresses.set(section.addr, section.offset - part.old.offset + addr);
    }
    if (part.old.offset === dynamic.strings.offset) addresses.set(dynamic.strings.addr, addr);
  }
  return dynamic.entries.flatMap((entry) => {
    let value: number | undefined;
    if (TABLE_TAGS.has(entry.tag)) value = addresses.get(entry.value);
    else if (entry.tag === DT_STRSZ) value = growth.strings?.length;
    else if (isRunPath(entry.tag)) value = growth.runPaths.get(entry.value);
    if (value === undefined) return [];
    const bytes = Buffer.alloc(codec.sizeOf("word"));
    codec.set("word", "value", value, bytes);
    return [{ offset: entry.offset + bytes.length, bytes }];
  });
}

function spanOf({ offset, length }: Span): Span {
  return { offset, length };
}
