/** Numbers of the ELF format that relocation needs. */
export const ET_EXEC = 2;
export const ET_DYN = 3;

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const PT_PHDR = 6;
export const PT_GNU_PROPERTY = 0x6474e553;
export const PF_R = 4;

export const SHT_SYMTAB = 2;
export const SHT_RELA = 4;
export const SHT_HASH = 5;
export const SHT_DYNAMIC = 6;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_DYNSYM = 11;
export const SHT_SYMTAB_SHNDX = 18;
export const SHT_GNU_HASH = 0x6ffffff6;
export const SHT_GNU_VERDEF = 0x6ffffffd;
export const SHT_GNU_VERNEED = 0x6ffffffe;
export const SHT_GNU_VERSYM = 0x6fffffff;
export const SHF_ALLOC = 2;
export const SHN_LORESERVE = 0xff00;

export const DT_NULL = 0;
export const DT_NEEDED = 1;
export const DT_HASH = 4;
export const DT_STRTAB = 5;
export const DT_SYMTAB = 6;
export const DT_STRSZ = 10;
export const DT_SONAME = 14;
export const DT_RPATH = 15;
export const DT_RUNPATH = 29;
const DT_GNU_HASH = 0x6ffffef5;
export const DT_CONFIG = 0x6ffffefa;
export const DT_DEPAUDIT = 0x6ffffefb;
export const DT_AUDIT = 0x6ffffefc;
const DT_VERSYM = 0x6ffffff0;
export const DT_VERDEF = 0x6ffffffc;
export const DT_VERDEFNUM = 0x6ffffffd;
export const DT_VERNEED = 0x6ffffffe;
export const DT_VERNEEDNUM = 0x6fffffff;
export const DT_AUXILIARY = 0x7ffffffd;
export const DT_FILTER = 0x7fffffff;
/** Tags whose value is the address of a table that only the dynamic section leads to. */
export const TABLE_TAGS: ReadonlySet<number> = new Set([
  DT_HASH,
  DT_STRTAB,
  DT_SYMTAB,
  DT_GNU_HASH,
  DT_VERSYM,
  DT_VERNEED,
  DT_VERDEF,
]);

/** A field of a header: where it begins in the 32-bit and in the 64-bit form, and its size there. */
type Field = readonly [offset32: number, size32: number, offset64: number, size64: number];

/** The structures and their fields. */
export interface ElfStructs {
  readonly ehdr: "type" | "phoff" | "shoff" | "phentsize" | "phnum" | "shentsize" | "shnum" | "shstrndx";
  readonly phdr: "type" | "flags" | "offset" | "vaddr" | "paddr" | "filesz" | "memsz" | "align";
  readonly shdr: "type" | "flags" | "addr" | "offset" | "size" | "link" | "info" | "addralign";
  readonly dyn: "tag" | "value";
  readonly sym: "name" | "shndx";
  readonly verneed: "count" | "file" | "aux" | "next";
  readonly vernaux: "name" | "next";
  readonly verdef: "count" | "aux" | "next";
  readonly verdaux: "name" | "next";
  readonly word: "value";
  readonly half: "value";
}

type Struct = keyof ElfStructs;

const FIELDS: { readonly [S in Struct]: Readonly<Record<ElfStructs[S], Field>> } = {
  ehdr: {
    type: [16, 2, 16, 2],
    phoff: [28, 4, 32, 8],
    shoff: [32, 4, 40, 8],
    phentsize: [42, 2, 54, 2],
    phnum: [44, 2, 56, 2],
    shentsize: [46, 2, 58, 2],
    shnum: [48, 2, 60, 2],
    shstrndx: [50, 2, 62, 2],
  },
  phdr: {
    type: [0, 4, 0, 4],
    flags: [24, 4, 4, 4],
    offset: [4, 4, 8, 8],
    vaddr: [8, 4, 16, 8],
    paddr: [12, 4, 24, 8],
    filesz: [16, 4, 32, 8],
    memsz: [20, 4, 40, 8],
    align: [28, 4, 48, 8],
  },
  shdr: {
    type: [4, 4, 4, 4],
    flags: [8, 4, 8, 8],
    addr: [12, 4, 16, 8],
    offset: [16, 4, 24, 8],
    size: [20, 4, 32, 8],
    link: [24, 4, 40, 4],
    info: [28, 4, 44, 4],
    addralign: [32, 4, 48, 8],
  },
  dyn: { tag: [0, 4, 0, 8], value: [4, 4, 8, 8] },
  sym: { name: [0, 4, 0, 4], shndx: [14, 2, 6, 2] },
  verneed: { count: [2, 2, 2, 2], file: [4, 4, 4, 4], aux: [8, 4, 8, 4], next: [12, 4, 12, 4] },
  vernaux: { name: [8, 4, 8, 4], next: [12, 4, 12, 4] },
  verdef: { count: [6, 2, 6, 2], aux: [12, 4, 12, 4], next: [16, 4, 16, 4] },
  verdaux: { name: [0, 4, 0, 4], next: [4, 4, 4, 4] },
  word: { value: [0, 4, 0, 8] },
  half: { value: [0, 4, 0, 4] },
};

const SIZES: Readonly<Record<Struct, readonly [size32: number, size64: number]>> = {
  ehdr: [52, 64],
  phdr: [32, 56],
  shdr: [40, 64],
  dyn: [8, 16],
  sym: [16, 24],
  verneed: [16, 16],
  vernaux: [16, 16],
  verdef: [20, 20],
  verdaux: [8, 8],
  word: [4, 8],
  half: [4, 4],
};

/** Reads and writes the structures of a file of one word size and byte order. */
export class ElfCodec {
  readonly is64: boolean;
  readonly isLittleEndian: boolean;

  constructor(is64: boolean, isLittleEndian: boolean) {
    this.is64 = is64;
    this.isLittleEndian = isLittleEndian;
  }

  sizeOf(struct: Struct): number {
    return SIZES[struct][this.is64 ? 1 : 0];
  }

  /** A field of the structure at `at`. 64-bit values beyond 2^53 are rounded. */
  get<S extends Struct>(struct: S, field: ElfStructs[S], bytes: Buffer, at = 0): number {
    const [offset, size] = this.#place(struct, field);
    if (size === 8) {
      return Number(this.isLittleEndian ? bytes.readBigUInt64LE(at + offset) : bytes.readBigUInt64BE(at + offset));
    }
    return this.isLittleEndian ? bytes.readUIntLE(at + offset, size) : bytes.readUIntBE(at + offset, size);
  }

  set<S extends Struct>(struct: S, field: ElfStructs[S], value: number, bytes: Buffer, at = 0): void {
    const [offset, size] = this.#place(struct, field);
    if (size === 8) {
      if (this.isLittleEndian) bytes.writeBigUInt64LE(BigInt(value), at + offset);
      else bytes.writeBigUInt64BE(BigInt(value), at + offset);
    } else if (this.isLittleEndian) bytes.writeUIntLE(value, at + offset, size);
    else bytes.writeUIntBE(value, at + offset, size);
  }

  #place(struct: Struct, field: string): readonly [offset: number, size: number] {
    const place = (FIELDS[struct] as Readonly<Record<string, Field>>)[field];
    if (place === undefined) throw new RangeError(`${struct} has no ${field}`);
    return this.is64 ? [place[2], place[3]] : [place[0], place[1]];
  }
}
