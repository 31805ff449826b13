import { type ByteSource, invalidBinary, type Span } from "./byte-source.js";
import {
  DT_NULL,
  DT_STRSZ,
  DT_STRTAB,
  ElfCodec,
  type ElfStructs,
  PT_DYNAMIC,
  PT_INTERP,
  PT_LOAD,
  SHF_ALLOC,
  SHT_DYNAMIC,
  SHT_NOBITS,
} from "./elf-format.js";

/** A program header. */
export interface Segment {
  readonly index: number;
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: number;
}

/** A section header. */
export interface Section {
  readonly index: number;
  readonly type: number;
  readonly isLoaded: boolean;
  readonly addr: number;
  readonly offset: number;
  /** Bytes in the file; 0 where the section has none. */
  readonly length: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
}

/** An entry of the dynamic section, and where it stands in the file. */
export interface DynamicEntry {
  readonly offset: number;
  readonly tag: number;
  readonly value: number;
}

export interface Header {
  readonly type: number;
  readonly phoff: number;
  readonly phnum: number;
  readonly shoff: number;
  readonly shnum: number;
  readonly shstrndx: number;
}

/** The dynamic section and its strings. */
export interface Dynamic {
  readonly entries: readonly DynamicEntry[];
  /** The string table: its place in the file, its address and content. */
  readonly strings: Span & { readonly addr: number; readonly bytes: Buffer };
}

/** What relocation knows of an ELF file. */
export interface ElfFile {
  readonly source: ByteSource;
  readonly codec: ElfCodec;
  readonly header: Header;
  readonly segments: readonly Segment[];
  readonly sections: readonly Section[];
  /** Where the path of the program interpreter stands. */
  readonly interpreter: Span | undefined;
  /** Absent in static programs and separate debug information. */
  readonly dynamic: Dynamic | undefined;
}

const MAGIC = Buffer.from("\x7fELF", "latin1");
const IDENT_LENGTH = 16;
/** Counts of sections from here on stand elsewhere in the file; no program has so many. */
const SECTION_LIMIT = 0xff00;
/** Far more than any program has. */
const SEGMENT_LIMIT = 1024;
const DYNAMIC_LIMIT = 65_536;

export function isElf(source: ByteSource): boolean {
  return source.size >= MAGIC.length && source.read(0, MAGIC.length).equals(MAGIC);
}

/**
 * Reads headers, the dynamic section and its strings.
 * @throws SpkociError RELOCATION_INVALID_BINARY if they contradict each other or the size of the file
 */
export function readElf(source: ByteSource): ElfFile {
  const codec = readCodec(source);
  const header = readHeader(source, codec);
  const segments = readSegments(source, codec, header);
  const sections = readSections(source, codec, header);
  const interpreter = segments.find(({ type, filesz }) => type === PT_INTERP && filesz > 0);
  return {
    source,
    codec,
    header,
    segments,
    sections,
    interpreter: interpreter && { offset: interpreter.offset, length: interpreter.filesz },
    dynamic: readDynamic(source, codec, segments, sections),
  };
}

/** Where in the file an address lies; undefined if no segment loads it from the file. */
export function offsetOfAddress(segments: readonly Segment[], addr: number): number | undefined {
  const segment = segments.find(
    ({ type, vaddr, filesz }) => type === PT_LOAD && addr >= vaddr && addr - vaddr < filesz,
  );
  return segment && addr - segment.vaddr + segment.offset;
}

/** The value of the first entry with this tag. */
export function tagValue(dynamic: Pick<Dynamic, "entries">, tag: number): number | undefined {
  return dynamic.entries.find((entry) => entry.tag === tag)?.value;
}

function readCodec(source: ByteSource): ElfCodec {
  const ident = source.read(0, IDENT_LENGTH);
  const [wordSize, byteOrder] = [ident[4], ident[5]];
  if (!isElf(source) || (wordSize !== 1 && wordSize !== 2) || (byteOrder !== 1 && byteOrder !== 2)) {
    throw invalidBinary(source.name, "it is no ELF file of 32 or 64 bits");
  }
  return new ElfCodec(wordSize === 2, byteOrder === 1);
}

function readHeader(source: ByteSource, codec: ElfCodec): Header {
  const bytes = source.read(0, codec.sizeOf("ehdr"));
  const field = (name: ElfStructs["ehdr"]): number => codec.get("ehdr", name, bytes);
  const header = {
    type: field("type"),
    phoff: field("phoff"),
    phnum: field("phnum"),
    shoff: field("shoff"),
    shnum: field("shoff") === 0 ? 0 : field("shnum"),
    shstrndx: field("shstrndx"),
  };
  const { phnum, shnum, shoff } = header;
  if (phnum >= SEGMENT_LIMIT || shnum >= SECTION_LIMIT || (shoff !== 0 && shnum === 0)) {
    throw invalidBinary(source.name, "it has too many sections or segments");
  }
  if (phnum > 0 && field("phentsize") !== codec.sizeOf("phdr")) {
    throw invalidBinary(source.name, "its program headers have an unknown size");
  }
  if (shnum > 0 && field("shentsize") !== codec.sizeOf("shdr")) {
    throw invalidBinary(source.name, "its section headers have an unknown size");
  }
  return header;
}

function readSegments(source: ByteSource, codec: ElfCodec, { phoff, phnum }: Header): Segment[] {
  const size = codec.sizeOf("phdr");
  const table = phnum === 0 ? Buffer.alloc(0) : source.read(phoff, phnum * size);
  return Array.from({ length: phnum }, (_, index) => {
    const field = (name: ElfStructs["phdr"]): number => codec.get("phdr", name, table, index * size);
    return {
      index,
      type: field("type"),
      flags: field("flags"),
      offset: field("offset"),
      vaddr: field("vaddr"),
      filesz: field("filesz"),
      memsz: field("memsz"),
      align: field("align"),
    };
  });
}

function readSections(source: ByteSource, codec: ElfCodec, { shoff, shnum }: Header): Section[] {
  const size = codec.sizeOf("shdr");
  const table = shnum === 0 ? Buffer.alloc(0) : source.read(shoff, shnum * size);
  return Array.from({ length: shnum }, (_, index) => {
    const field = (name: ElfStructs["shdr"]): number => codec.get("shdr", name, table, index * size);
    const type = field("type");
    return {
      index,
      type,
      // 64-bit flags beyond 2^53 lose low bits, so that the remainder tells more surely than `&` does.
      isLoaded: Math.floor(field("flags") / SHF_ALLOC) % 2 === 1,
      addr: field("addr"),
      offset: field("offset"),
      length: type === SHT_NOBITS ? 0 : field("size"),
      link: field("link"),
      info: field("info"),
      align: field("addralign"),
    };
  });
}

function readDynamic(
  source: ByteSource,
  codec: ElfCodec,
  segments: readonly Segment[],
  sections: readonly Section[],
): Dynamic | undefined {
  const segment = segments.find(({ type, filesz }) => type === PT_DYNAMIC && filesz > 0);
  // In a file of debug information the section is one without content.
  const hasContent = sections.length === 0 || sections.some(({ type }) => type === SHT_DYNAMIC);
  if (segment === undefined || !hasContent) return undefined;
  const size = codec.sizeOf("dyn");
  const bytes = source.read(segment.offset, Math.min(segment.filesz, DYNAMIC_LIMIT * size));
  const entries: DynamicEntry[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) {
    const tag = codec.get("dyn", "tag", bytes, at);
    if (tag === DT_NULL) break;
    entries.push({ offset: segment.offset + at, tag, value: codec.get("dyn", "value", bytes, at) });
  }
  const addr = tagValue({ entries }, DT_STRTAB);
  const length = tagValue({ entries }, DT_STRSZ);
  if (addr === undefined || length === undefined) return undefined;
  const offset = offsetOfAddress(segments, addr);
  if (offset === undefined) throw invalidBinary(source.name, "its dynamic strings lie in no segment");
  return { entries, strings: { addr, offset, length, bytes: source.read(offset, length) } };
}
