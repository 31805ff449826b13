import type { FileHandle } from "node:fs/promises";
import { SpkociError } from "../base/errors.js";
import { type Op, throwIfAborted } from "../base/op.js";
import { paddedSize, parseTarHeader, TAR_BLOCK, type TarHeader } from "../base/tar-header.js";

/** A file in a tar, and where its content is. */
export interface TarFile {
  readonly name: string;
  /** Of the content, bytes from the tar's beginning. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** The largest extended header that is read, bytes: names of other files may be long, but not that long. */
const EXTENSION_LIMIT = 64 * 1024;

/**
 * The files of a tar, of which only the headers are read. Folders are passed over.
 * @throws SpkociError ARCHIVE_REFUSED for a tar that is cut off or damaged, or has links, devices or sparse files
 */
export async function* readTarFiles(file: FileHandle, size: number, path: string, op?: Op): AsyncGenerator<TarFile> {
  let extension: Extension = {};
  for (let at = 0; ; ) {
    throwIfAborted(op);
    const block = await readAt(file, at, TAR_BLOCK, path);
    if (block.every((byte) => byte === 0)) return;
    const header = parseTarHeader(block);
    if (header === undefined) throw refused(path, at === 0 ? "it is no tar" : "it is damaged");
    const offset = at + TAR_BLOCK;
    if (EXTENSIONS.has(header.type)) {
      extension = await readExtension(file, header, offset, extension, path);
      at = offset + paddedSize(header.size);
      continue;
    }
    const content = HEADER_ONLY.has(header.type) ? 0 : (extension.size ?? header.size);
    if (offset + content > size) throw cutOff(path);
    at = offset + paddedSize(content);
    if (header.type === "0") yield { name: extension.name ?? header.name, offset, size: content };
    else if (header.type !== "5") throw refused(path, `it has ${KINDS[header.type] ?? "an entry of unknown kind"}`);
    extension = {};
  }
}

/** What headers before an entry's own say of it. */
interface Extension {
  readonly name?: string;
  readonly size?: number;
}

/** Links, devices, folders and pipes have no content whatever their size says. */
const HEADER_ONLY: ReadonlySet<string> = new Set(["1", "2", "3", "4", "5", "6"]);
/** PAX headers for the next entry and for all, GNU's long name and long link target. */
const EXTENSIONS: ReadonlySet<string> = new Set(["x", "g", "L", "K"]);
const KINDS: Readonly<Record<string, string>> = {
  "1": "a hard link",
  "2": "a symbolic link",
  "3": "a device",
  "4": "a device",
  "6": "a named pipe",
  S: "a sparse file",
};

async function readExtension(
  file: FileHandle,
  { type, size }: TarHeader,
  offset: number,
  before: Extension,
  path: string,
): Promise<Extension> {
  if (size > EXTENSION_LIMIT) throw refused(path, "it has an extended header that is too large");
  if (type === "g" || type === "K") return before;
  const body = await readAt(file, offset, size, path);
  if (type === "L") return { ...before, name: body.toString("utf8").replace(/\0.*$/s, "") };
  const records = parsePax(body);
  if (records === undefined) throw refused(path, "it has a malformed extended header");
  if ([...records.keys()].some((key) => key.startsWith("GNU.sparse."))) throw refused(path, `it has ${KINDS.S}`);
  const name = records.get("path");
  const length = records.get("size");
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw refused(path, "it has a file of impossible size");
  return { ...before, ...(name !== undefined && { name }), ...(length !== undefined && { size: Number(length) }) };
}

/** Records `LENGTH KEY=VALUE\n`; undefined for anything else. */
function parsePax(body: Buffer): Map<string, string> | undefined {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const [, digits = ""] = /^(\d{1,9}) /.exec(body.toString("latin1", at, at + 11)) ?? [];
    const end = at + Number(digits);
    const text = body.toString("utf8", at + digits.length + 1, end - 1);
    const equals = text.indexOf("=");
    if (digits === "" || end > body.length || body[end - 1] !== 0x0a || equals < 1) return undefined;
    records.set(text.slice(0, equals), text.slice(equals + 1));
    at = end;
  }
  return records;
}

/** Exactly `length` bytes. */
export async function readAt(file: FileHandle, at: number, length: number, path: string): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, at + filled);
    if (bytesRead === 0) throw cutOff(path);
    filled += bytesRead;
  }
  return bytes;
}

function cutOff(path: string): SpkociError {
  return refused(path, "it is cut off", "Copy the file again, whole.");
}

/** The error for a tar that isn't read. */
export function refused(path: string, why: string, hint?: string): SpkociError {
  return new SpkociError("ARCHIVE_REFUSED", `${path} can't be read as an OCI archive: ${why}`, hint ? { hint } : {});
}
