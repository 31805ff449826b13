/** A load command that names a library or a run path. */
export interface MachOPath {
  /** The command's number: 0xc loads a library, 0xd is the library's own name, 0x8000001c is a run path. */
  readonly command: number;
  readonly path: string;
}

export interface MachOOptions {
  readonly is64?: boolean;
  readonly isBigEndian?: boolean;
  /** MH_DYLIB (6) unless told; 1 is an object file. */
  readonly fileType?: number;
  /** Bytes between the load commands and the first section. */
  readonly padding?: number;
  /** What the section holds. */
  readonly content?: Buffer;
}

/** A Mach-O file with one segment of one section, and the paths' load commands behind it. */
export function buildMachO(paths: readonly MachOPath[], options: MachOOptions = {}): Buffer {
  const { is64 = true, isBigEndian = false, fileType = 6, padding = 0, content = Buffer.from("content\0") } = options;
  const words = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [i, value] of values.entries()) {
      if (isBigEndian) bytes.writeUInt32BE(value, i * 4);
      else bytes.writeUInt32LE(value, i * 4);
    }
    return bytes;
  };
  const wide = (value: number): number[] => {
    if (!is64) return [value];
    return isBigEndian ? [0, value] : [value, 0];
  };
  const align = is64 ? 8 : 4;
  const pathCommands = paths.map(({ command, path }) => {
    const isRunPath = command === 0x8000001c;
    const head = isRunPath ? 12 : 24;
    const size = Math.ceil((head + Buffer.byteLength(path) + 1) / align) * align;
    const fields = isRunPath ? [command, size, head] : [command, size, head, 2, 0x10000, 0x10000];
    return Buffer.concat([words(...fields), Buffer.from(path)], size);
  });
  const headerSize = is64 ? 32 : 28;
  const segmentSize = is64 ? 72 + 80 : 56 + 68;
  const commandsSize = segmentSize + pathCommands.reduce((sum, { length }) => sum + length, 0);
  const contentAt = headerSize + commandsSize + padding;
  const name = (text: string): Buffer => Buffer.concat([Buffer.from(text)], 16);
  const total = contentAt + content.length;
  const segment = Buffer.concat([
    words(is64 ? 0x19 : 1, segmentSize),
    name("__TEXT"),
    words(...wide(0), ...wide(total), ...wide(0), ...wide(total), 5, 5, 1, 0),
    name("__cstring"),
    name("__TEXT"),
    words(...wide(contentAt), ...wide(content.length), contentAt, 0, 0, 0, 2, 0, 0, ...(is64 ? [0] : [])),
  ]);
  const magic = is64 ? 0xfeedfacf : 0xfeedface;
  const header = words(magic, 7, 3, fileType, 1 + paths.length, commandsSize, 0x85, ...(is64 ? [0] : []));
  return Buffer.concat([header, segment, ...pathCommands, Buffer.alloc(padding), content]);
}

/** Mach-O files of several architectures as one. */
export function buildFatMachO(slices: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(8 + slices.length * 20);
  header.writeUInt32BE(0xcafebabe, 0);
  header.writeUInt32BE(slices.length, 4);
  let offset = header.length;
  for (const [i, slice] of slices.entries()) {
    const at = 8 + i * 20;
    header.writeUInt32BE(7 + i, at);
    header.writeUInt32BE(offset, at + 8);
    header.writeUInt32BE(slice.length, at + 12);
    offset += slice.length;
  }
  return Buffer.concat([header, ...slices]);
}
