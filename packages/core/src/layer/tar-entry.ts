import { formatTarHeader, paddedSize, TAR_BLOCK, type TarEntryHeader, type TarType } from "../base/tar-header.js";
import type { Entry } from "./entries.js";

const FOLDER_MODE = 0o755;
const LINK_MODE = 0o755;
const NAME_LIMIT = 100;
const PREFIX_LIMIT = 155;
/** Stands in the header of an entry whose name and target are in a PAX header before it. */
const PAX_NAME = "PaxHeader";

/** What is written of an entry beside its content; names are as long as they like, in UTF-8. */
interface EntryHeader {
  readonly name: string;
  readonly type: TarType;
  readonly mode: number;
  readonly size: number;
  readonly target?: string;
}

/**
 * The blocks before an entry's content, normalised as Spack does it: owner 0, no owner names, time 0. Names that fit no header of
 * ustar's get a PAX header (POSIX.1, pax), and so do link targets.
 */
export function formatEntry(entry: Entry): Buffer {
  const { name } = entry;
  if (entry.type === "directory") return formatDirectory(name);
  if (entry.type === "file") return formatFile(name, entry.mode, entry.size);
  if (entry.type === "symlink") return format({ name, type: "2", mode: LINK_MODE, size: 0, target: entry.target });
  return format({ name, type: "1", mode: entry.mode, size: 0, target: entry.target });
}

export function formatDirectory(name: string): Buffer {
  return format({ name: `${name}/`, type: "5", mode: FOLDER_MODE, size: 0 });
}

export function formatFile(name: string, mode: number, size: number): Buffer {
  return format({ name, type: "0", mode, size });
}

function format(entry: EntryHeader): Buffer {
  const { name, target } = entry;
  const split = splitName(name);
  const fits = target === undefined || (target.length <= NAME_LIMIT && isAscii(target));
  return split && fits ? formatTarHeader({ ...entry, ...split }) : formatWithPax(entry);
}

/** The name in ustar's two fields; undefined if it doesn't fit. */
function splitName(name: string): Pick<TarEntryHeader, "name" | "prefix"> | undefined {
  if (!isAscii(name)) return undefined;
  let at = 0;
  while (name.length - at > NAME_LIMIT) {
    const slash = name.indexOf("/", at);
    if (slash < 0) return undefined;
    at = slash + 1;
  }
  if (at === 0) return { name };
  return at - 1 > PREFIX_LIMIT ? undefined : { prefix: name.slice(0, at - 1), name: name.slice(at) };
}

function formatWithPax({ name, type, mode, size, target }: EntryHeader): Buffer {
  const records = paxRecord("path", name) + (target === undefined ? "" : paxRecord("linkpath", target));
  const content = Buffer.from(records);
  const plain = { name: PAX_NAME, mode, ...(target === undefined ? {} : { target: PAX_NAME }) };
  const blocks = Buffer.alloc(TAR_BLOCK + paddedSize(content.length) + TAR_BLOCK);
  formatTarHeader({ ...plain, type: "x", size: content.length }).copy(blocks);
  content.copy(blocks, TAR_BLOCK);
  formatTarHeader({ ...plain, type, size }).copy(blocks, blocks.length - TAR_BLOCK);
  return blocks;
}

/** A record begins with its own length, the digits of which count. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const length = Buffer.byteLength(rest);
  let digits = String(length).length;
  while (String(length + digits).length > digits) digits += 1;
  return `${length + digits}${rest}`;
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}
