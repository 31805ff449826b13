import { invalidBinary } from "./byte-source.js";
import { ET_EXEC, PT_LOAD } from "./elf-format.js";
import { type Part, partsInTheWay } from "./elf-parts.js";
import type { ElfFile, Section, Segment } from "./elf-reader.js";

/** A part and its new place. */
export interface Move {
  readonly part: Part;
  readonly offset: number;
  readonly addr: number;
}

/** The segment at the end of the file that holds what moves: an existing one that is made longer, or a new one. */
export interface Region {
  readonly isNew: boolean;
  /** Index of the longer segment, or the index that the new one gets. */
  readonly index: number;
  readonly offset: number;
  readonly addr: number;
  readonly length: number;
  readonly align: number;
}

export interface Layout {
  readonly region: Region;
  readonly moves: readonly Move[];
  /** Where the sections' names go, if they move to the end of the file. */
  readonly namesAt: number | undefined;
  /** Where the program header table goes, if it can't stay. */
  readonly headers: { readonly offset: number; readonly addr: number } | undefined;
}

/** Pages are at least this large on every Linux. */
const SMALLEST_PAGE = 4096;
const LARGEST_PAGE = 2 ** 30;
/** Alignment of what is put at the end of the file. */
const PIECE = 16;
/** Zeros that a file may be filled up with to please kernels before 5.18. */
const LARGEST_GAP = 16 * 1024 * 1024;

/**
 * Where `parts` go. The last segment is made longer if it ends the file; else there is a new one, for which the program header table
 * needs one more entry. What stands behind the table moves out of its way; where it can't, the table moves into the new segment.
 */
export function planLayout(elf: ElfFile, parts: readonly Part[]): Layout {
  const loads = elf.segments.filter(({ type }) => type === PT_LOAD);
  const last = loads.reduce<Segment | undefined>(
    (highest, one) => (highest === undefined || one.vaddr > highest.vaddr ? one : highest),
    undefined,
  );
  if (last === undefined) throw invalidBinary(elf.source.name, "it has dynamic strings but loads nothing");
  const names = namesToMove(elf);
  const loadedEnd = last.offset + last.filesz;
  const fileEnd = names !== undefined && isBehind(names, loadedEnd, elf) ? loadedEnd : elf.source.size;
  if (last.filesz === last.memsz && loadedEnd === fileEnd) {
    const offset = endsAt(parts, fileEnd) ? fileEnd - (parts[0]?.old.length ?? 0) : aligned(fileEnd, PIECE);
    const { moves, end } = place(parts, offset, last.vaddr + offset - last.offset);
    const region = { ...last, isNew: false, addr: last.vaddr, length: end - last.offset };
    return finished(elf, { region, moves, headers: undefined });
  }
  const align = pageOf(loads);
  const index = Math.max(...loads.map((load) => load.index)) + 1;
  const floor = aligned(Math.max(...loads.map(({ vaddr, memsz }) => vaddr + memsz)), align);
  const more = partsInTheWay(elf, parts);
  if (more !== undefined) {
    const offset = aligned(elf.source.size, PIECE);
    const addr = floor + (offset % align);
    const { moves, end } = place([...more, ...parts], offset, addr);
    const region = { isNew: true, index, offset, addr, length: end - offset, align };
    return finished(elf, { region, moves, headers: undefined });
  }
  const offset = offsetForHeaders(elf, loads, floor, align);
  const addr = floor + (offset % align);
  const tableLength = aligned((elf.header.phnum + 1) * elf.codec.sizeOf("phdr"), PIECE);
  const { moves, end } = place(parts, offset + tableLength, addr + tableLength);
  const region = { isNew: true, index, offset, addr, length: end - offset, align };
  return finished(elf, { region, moves, headers: { offset, addr } });
}

/**
 * Of programs with fixed addresses, patchelf wants some section to come after all that it replaces; the one with the sections'
 * names does.
 */
function namesToMove({ header, sections }: ElfFile): Section | undefined {
  const names = header.type === ET_EXEC ? sections[header.shstrndx] : undefined;
  return names !== undefined && !names.isLoaded && names.length > 0 ? names : undefined;
}

/** Whether the names are all that follows in the file, as after an earlier growth. */
function isBehind({ offset, length }: Section, end: number, elf: ElfFile): boolean {
  return offset >= end && offset <= aligned(end, PIECE) && offset + length === elf.source.size;
}

/** The parts one after the other, in the order in which they stand now; each keeps its alignment. */
function place(parts: readonly Part[], offset: number, addr: number): { moves: Move[]; end: number } {
  const moves: Move[] = [];
  let end = offset;
  for (const part of [...parts].sort(byGrowth)) {
    const at = aligned(addr + end - offset, part.align) + (part.old.offset % part.align) - addr + offset;
    moves.push({ part, offset: at, addr: addr + at - offset });
    end = at + part.bytes.length;
  }
  return { moves, end };
}

/** Whether the only thing that moves is what the file ends with, so that it can stay and grow. */
function endsAt(parts: readonly Part[], end: number): boolean {
  const [only, ...others] = parts;
  return only !== undefined && others.length === 0 && only.old.offset + only.old.length === end;
}

/** What changes its size comes last, so that it can grow again where it is. */
function byGrowth(a: Part, b: Part): number {
  const grows = (part: Part): number => (part.bytes.length === part.old.length ? 0 : 1);
  return grows(a) - grows(b) || a.old.offset - b.old.offset;
}

/**
 * Kernels before 5.18 tell a program that its headers are as far from the first segment's address as they are from its offset
 * in the file. The file is filled up so that this is true, if it takes little.
 */
function offsetForHeaders(elf: ElfFile, loads: readonly Segment[], floor: number, align: number): number {
  const end = aligned(elf.source.size, PIECE);
  const first = loads.reduce((lowest, one) => (one.vaddr < lowest.vaddr ? one : lowest));
  const wanted = floor - first.vaddr + first.offset;
  const fits = wanted >= end && wanted - end <= LARGEST_GAP && wanted % align === 0;
  return elf.interpreter !== undefined && fits ? wanted : end;
}

function pageOf(loads: readonly Segment[]): number {
  const aligns = loads.map(({ align }) => align).filter((align) => Number.isInteger(Math.log2(align)));
  return Math.max(SMALLEST_PAGE, ...aligns);
}

function finished(elf: ElfFile, layout: Omit<Layout, "namesAt">): Layout {
  const { region } = layout;
  const limit = elf.codec.is64 ? Number.MAX_SAFE_INTEGER : 2 ** 32 - 1;
  const end = Math.max(region.addr, region.offset) + region.length;
  if (Number.isSafeInteger(end) && end <= limit && region.align <= LARGEST_PAGE) {
    const namesAt = namesToMove(elf) && aligned(region.offset + region.length, PIECE);
    return { ...layout, namesAt };
  }
  throw invalidBinary(elf.source.name, "there is no address left for another segment");
}

function aligned(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}
