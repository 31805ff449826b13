const BLOCK = 512;

/** One entry of a tar, written as it is said, sound or not. */
export interface RawEntry {
  readonly name: string | Buffer;
  /** The type flag of its header: "0" (a file) unless given; "1" hard link, "2" symbolic link, "5" directory. */
  readonly type?: string;
  readonly content?: string | Buffer;
  /** 0644 unless given. */
  readonly mode?: number;
  /** Seconds since 1970; 0 unless given. */
  readonly mtime?: number;
  readonly target?: string | Buffer;
  /** The size that the header claims, or its whole field of 12 bytes; the content's length unless given. */
  readonly size?: number | Buffer;
  /** Records of an extended header before the entry, or its body. */
  readonly pax?: Readonly<Record<string, string>> | Buffer;
  /** Changes the header before its checksum is made. */
  readonly change?: (header: Buffer) => void;
}

/** The two blocks that end a tar. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK);

/** A ustar archive of these entries, each as it is, without its end. */
export function rawEntries(...entries: readonly RawEntry[]): Buffer {
  return Buffer.concat(entries.map(bytesOf));
}

/** A whole ustar archive of these entries. */
export function rawTar(...entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([rawEntries(...entries), TAR_END]);
}

/** The body of an extended header. */
export function paxBody(records: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(`${key}=${value}`)));
}

function paxRecord(text: string): Buffer {
  const rest = Buffer.from(` ${text}\n`);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function bytesOf(entry: RawEntry): Buffer {
  const content = Buffer.from(entry.content ?? "");
  const own = Buffer.concat([headerOf(entry, content.length), padded(content)]);
  if (entry.pax === undefined) return own;
  const body = Buffer.isBuffer(entry.pax) ? entry.pax : paxBody(entry.pax);
  return Buffer.concat([bytesOf({ name: "pax", type: "x", content: body }), own]);
}

function headerOf(entry: RawEntry, length: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const size = entry.size ?? length;
  Buffer.from(entry.name).copy(header, 0, 0, 100);
  header.write(octal(entry.mode ?? 0o644, 8), 100);
  header.write(octal(0, 8) + octal(0, 8), 108);
  if (Buffer.isBuffer(size)) size.copy(header, 124, 0, 12);
  else header.write(octal(size, 12), 124);
  header.write(octal(entry.mtime ?? 0, 12), 136);
  header.write(`        ${entry.type ?? "0"}`, 148, "latin1");
  Buffer.from(entry.target ?? "").copy(header, 157, 0, 100);
  header.write("ustar\x0000", 257);
  entry.change?.(header);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}
