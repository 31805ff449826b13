import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream, lstatSync, readdirSync, type Stats } from "node:fs";
import { pipeline } from "node:stream/promises";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import { base32 } from "./base32.js";

export const INSTALL_MANIFEST: string = ".spack/install_manifest.json";

/** An install prefix. */
export interface PrefixPlace {
  /** Absolute, as it is recorded. */
  readonly prefix: string;
  /** Where it lies on this disk now: below a sysroot, or where it is put together. */
  readonly path: string;
}

/** A file, folder or link of a prefix. */
export interface FoundFile {
  /** In the prefix, as Python has it: bytes that are no UTF-8 are lone surrogates. */
  readonly path: string;
  readonly onDisk: PathOnDisk;
  readonly stat: Stats;
}

/** A buffer where a name on the way is no UTF-8. */
type PathOnDisk = string | Buffer;

/** Everything in a prefix, the prefix first, each when it is asked for. */
export function* walkPrefix(place: PrefixPlace): Generator<FoundFile, void, undefined> {
  const pending: Pick<FoundFile, "path" | "onDisk">[] = [{ path: "", onDisk: place.path }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, onDisk } = next;
    try {
      const stat = lstatSync(onDisk);
      if (stat.isDirectory()) {
        for (const name of namesIn(onDisk)) pending.push({ path: joined(path, name.text), onDisk: name.onDisk });
      }
      yield { path, onDisk, stat };
    } catch (error) {
      throw unreadable(error, place, path);
    }
  }
}

/** Stands in a name for bytes that are no UTF-8, if the name doesn't have it itself. */
const REPLACEMENT = "\ufffd";

function namesIn(folder: PathOnDisk): { readonly text: string; readonly onDisk: PathOnDisk }[] {
  const names = typeof folder === "string" ? readdirSync(folder) : [REPLACEMENT];
  if (!names.some((name) => name.includes(REPLACEMENT))) {
    return names.map((name) => ({ text: name, onDisk: `${folder}/${name}` }));
  }
  const above = Buffer.from(folder);
  return readdirSync(folder, { encoding: "buffer" }).map((name) => ({
    text: pythonText(name),
    onDisk: Buffer.concat([above, SLASH, name]),
  }));
}

const SLASH = Buffer.from("/");

function joined(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** A failure to read something of a prefix as PREFIX_MISSING or FILE_UNREADABLE. */
export function unreadable(error: unknown, place: PrefixPlace, path: string): unknown {
  const code = systemCodeOf(error);
  if (code === undefined || code === "ABORT_ERR") return error;
  if (path === "" && (code === "ENOENT" || code === "ENOTDIR")) {
    return new SpkociError("PREFIX_MISSING", `there is no prefix ${place.path}`, { cause: error });
  }
  return new SpkociError("FILE_UNREADABLE", `${keyOf(place.path, path)} can't be read: ${code}`, { cause: error });
}

/** A path in a prefix as the manifest names it. */
export function keyOf(prefix: string, path: string): string {
  return path === "" ? prefix : `${prefix}/${path}`;
}

const READ_SIZE = 512 * 1024;

/** SHA-1 of a file's content, in hex digits. */
export async function hashFile(onDisk: PathOnDisk, path: string, signal: AbortSignal): Promise<string> {
  const sha1 = createHash("sha1");
  try {
    await pipeline(createReadStream(onDisk, { highWaterMark: READ_SIZE }), sha1, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw unreadableFile(path, error);
  }
  return sha1.digest("hex");
}

function unreadableFile(path: string, cause: unknown): SpkociError {
  const code = systemCodeOf(cause) ?? "unknown error";
  return new SpkociError("FILE_UNREADABLE", `${path} can't be read: ${code}`, { cause });
}

/** A hash in hex digits as Spack writes it. */
export function spackHash(sha1: string): string {
  return base32(Buffer.from(sha1, "hex")).toUpperCase();
}

/** The time of a file's last change as Python computes it, so that it is the same number. */
export function secondsOf({ onDisk, path }: FoundFile): number {
  try {
    const { mtimeNs } = lstatSync(onDisk, { bigint: true });
    return Number(mtimeNs / 1_000_000_000n) + 1e-9 * Number(mtimeNs % 1_000_000_000n);
  } catch (error) {
    throw unreadableFile(path, error);
  }
}

/** A name of a file as Python's text: bytes that are no UTF-8 become lone surrogates. */
export function pythonText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find((count) => at + count <= bytes.length && isUtf8(bytes.subarray(at, at + count)));
    text +=
      length === undefined ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : bytes.toString("utf8", at, at + length);
    at += length ?? 1;
  }
  return text;
}
