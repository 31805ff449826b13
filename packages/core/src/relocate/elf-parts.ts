import type { Span } from "./byte-source.js";
import {
  PT_GNU_PROPERTY,
  PT_INTERP,
  PT_LOAD,
  PT_NOTE,
  PT_PHDR,
  SHT_DYNSYM,
  SHT_GNU_HASH,
  SHT_GNU_VERDEF,
  SHT_GNU_VERNEED,
  SHT_GNU_VERSYM,
  SHT_HASH,
  SHT_NOTE,
} from "./elf-format.js";
import type { ElfFile, Section, Segment } from "./elf-reader.js";

/** A piece of a loaded segment that moves elsewhere as a whole. */
export interface Part {
  /** Where it stands now. */
  readonly old: Span;
  /** What it is to hold there; not always as long as now. */
  readonly bytes: Buffer;
  /** A power of two. */
  readonly align: number;
}

/** Sections that are found by the dynamic section or a program header alone, so that they may lie anywhere. */
const MOVABLE_SECTIONS: ReadonlySet<number> = new Set([
  SHT_HASH,
  SHT_GNU_HASH,
  SHT_DYNSYM,
  SHT_GNU_VERSYM,
  SHT_GNU_VERNEED,
  SHT_GNU_VERDEF,
  SHT_NOTE,
]);
const MOVABLE_SEGMENTS: ReadonlySet<number> = new Set([PT_INTERP, PT_NOTE, PT_GNU_PROPERTY]);
const GREATEST_ALIGNMENT = 4096;

/**
 * What has to move so that the program header table can have one more entry where it is: pieces of the file that overlap the entry's
 * place, without the `known` parts. undefined if something there can't move, or isn't known for lack of section headers.
 */
export function partsInTheWay(elf: ElfFile, known: readonly Part[]): Part[] | undefined {
  const { header, segments, sections, codec } = elf;
  const tableEnd = header.phoff + header.phnum * codec.sizeOf("phdr");
  const room: Span = { offset: tableEnd, length: codec.sizeOf("phdr") };
  if (sections.length === 0 || !isLoaded(segments, { offset: header.phoff, length: endOf(room) - header.phoff })) {
    return undefined;
  }
  const headers: Span = { offset: header.shoff, length: header.shnum * codec.sizeOf("shdr") };
  if (overlaps(headers, room)) return undefined;
  const things: Span[] = [
    ...sections.map(({ offset, length }) => ({ offset, length })),
    ...segments.filter(isMovableSegment).map(({ offset, filesz }) => ({ offset, length: filesz })),
  ].filter(({ length }) => length > 0);
  const spans = clustersOf(things).filter((span) => overlaps(span, room));
  const parts: Part[] = [];
  for (const span of spans) {
    if (known.some(({ old }) => old.offset === span.offset && old.length === span.length)) continue;
    const part = known.some(({ old }) => overlaps(old, span)) ? undefined : movablePart(elf, span);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return parts;
}

/**
 * How long the segment with the program headers can be without holding more than the zeros that follow it. patchelf counts on that
 * space in programs with fixed addresses once their strings no longer lie before it.
 */
export function lengthWithPadding({ segments, sections }: ElfFile, segment: Segment): number {
  const end = segment.offset + segment.filesz;
  const behind = segments.filter(({ type, offset }) => type === PT_LOAD && offset >= end);
  const next = behind.reduce<Segment | undefined>(
    (a, b) => (a === undefined || b.offset < a.offset ? b : a),
    undefined,
  );
  if (next === undefined || next.vaddr - segment.vaddr !== next.offset - segment.offset) return segment.filesz;
  const padding = { offset: end, length: next.offset - end };
  const isFree = segment.filesz === segment.memsz && !sections.some((section) => overlaps(section, padding));
  return isFree ? next.offset - segment.offset : segment.filesz;
}

/** Whether `inner` lies in `outer`; what is empty lies in nothing. */
export function isWithin(inner: Span, outer: Span): boolean {
  return inner.length > 0 && inner.offset >= outer.offset && endOf(inner) <= endOf(outer);
}

export function sectionsWithin(sections: readonly Section[], span: Span): Section[] {
  return sections.filter((section) => section.isLoaded && isWithin(section, span));
}

/** Notes, properties and the interpreter's path: segments that say where something stands and no more. */
export function isMovableSegment({ type }: Segment): boolean {
  return MOVABLE_SEGMENTS.has(type);
}

function movablePart({ source, segments, sections, dynamic, interpreter }: ElfFile, span: Span): Part | undefined {
  const isMovable = (section: Section): boolean =>
    section.isLoaded &&
    isWithin(section, span) &&
    (MOVABLE_SECTIONS.has(section.type) ||
      isSame(section, interpreter) ||
      (dynamic !== undefined && isSame(section, dynamic.strings)));
  const inside = sections.filter((section) => overlaps(section, span));
  const stuck = segments.some(
    (segment) =>
      segment.type !== PT_LOAD &&
      segment.type !== PT_PHDR &&
      !isMovableSegment(segment) &&
      overlaps({ offset: segment.offset, length: segment.filesz }, span),
  );
  if (stuck || !inside.every(isMovable)) return undefined;
  const aligns = [
    ...inside.map(({ align }) => align),
    ...segments
      .filter((segment) => isMovableSegment(segment) && segment.offset >= span.offset && segment.offset < endOf(span))
      .map((segment) => segment.align),
  ];
  const align = Math.max(1, ...aligns);
  if (align > GREATEST_ALIGNMENT || !Number.isInteger(Math.log2(align))) return undefined;
  return { old: span, bytes: Buffer.from(source.read(span.offset, span.length)), align };
}

/** What lies together: the spans that things cover, without gaps between those that overlap. */
function clustersOf(things: readonly Span[]): Span[] {
  const clusters: Span[] = [];
  for (const thing of [...things].sort((a, b) => a.offset - b.offset)) {
    const last = clusters.at(-1);
    if (last === undefined || thing.offset >= endOf(last)) clusters.push(thing);
    else
      clusters[clusters.length - 1] = {
        offset: last.offset,
        length: Math.max(endOf(last), endOf(thing)) - last.offset,
      };
  }
  return clusters;
}

function isLoaded(segments: readonly Segment[], span: Span): boolean {
  return segments.some(({ type, offset, filesz }) => type === PT_LOAD && isWithin(span, { offset, length: filesz }));
}

function isSame(a: Span, b: Span | undefined): boolean {
  return b !== undefined && a.offset === b.offset && a.length === b.length;
}

function overlaps(a: Span, b: Span): boolean {
  return a.length > 0 && b.length > 0 && a.offset < endOf(b) && b.offset < endOf(a);
}

function endOf({ offset, length }: Span): number {
  return offset + length;
}
