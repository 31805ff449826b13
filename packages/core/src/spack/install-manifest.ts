import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { type BigIntStats, constants, createReadStream, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import { writeFileAtomically } from "../base/atomic-file.js";
import { mapConcurrently } from "../base/concurrency.js";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import type { Op } from "../base/op.js";
import { base32 } from "./base32.js";
import { readTextFile } from "./text-file.js";

/** An install prefix. */
export interface PrefixPlace {
  /** Absolute, as it is recorded. */
  readonly prefix: string;
  /** Where it lies on this disk now: below a sysroot, or where it is put together. */
  readonly path: string;
}

/** How a file, folder or link isn't as the manifest has it. */
export interface Difference {
  /** In the prefix; empty for the prefix itself. */
  readonly path: string;
  readonly kind: "added" | "missing" | "type" | "mode" | "owner" | "group" | "target" | "size" | "time" | "content";
}

const entrySchema = z.object({
  /** With the kind of file, as in stat(2). */
  mode: z.number(),
  owner: z.number(),
  group: z.number(),
  /** Of a link. */
  dest: z.string().optional(),
  /** Of a file: SHA-1 in base32, upper case. */
  hash: z.string().optional(),
  /** Of a file: seconds since 1970. */
  time: z.number().optional(),
  /** Of a file, bytes. */
  size: z.number().optional(),
});

type Entry = z.infer<typeof entrySchema>;

export const INSTALL_MANIFEST = ".spack/install_manifest.json";

/** Written by Spack after the manifest. */
const LATER_FILES: ReadonlySet<string> = new Set([".spack/install_times.json"]);

const MANIFEST_LIMIT = 400 * 1024 * 1024;
const FILES_AT_ONCE = 8;

/**
 * Writes `<prefix>/.spack/install_manifest.json` of all that is in a prefix, as Spack 1.x does at the end of an installation; it is
 * what `spack verify manifest` compares with. The manifest doesn't list itself.
 * @param place with the SHA-1 of regular files by their paths in the prefix, where it is known; other files are read
 * @throws SpkociError PREFIX_MISSING, FILE_UNREADABLE, NO_SPACE or STORAGE_FAILED
 */
export async function writeInstallManifest(
  place: PrefixPlace & { readonly sha1Of?: (path: string) => Buffer | undefined },
  op?: Op,
): Promise<void> {
  op?.signal?.throwIfAborted();
  const files = listPrefix(place).filter(({ path }) => path !== INSTALL_MANIFEST);
  const known = new Map(files.map(({ path, stat }) => [path, stat.isFile() ? place.sha1Of?.(path) : undefined]));
  const unknown = files.filter(({ path, stat }) => stat.isFile() && known.get(path) === undefined);
  const hash = (file: FoundFile, signal: AbortSignal): Promise<Buffer> => hashFile(file.onDisk, file.path, signal);
  const hashes = await mapConcurrently(unknown, FILES_AT_ONCE, hash, op?.signal);
  for (const [i, { path }] of unknown.entries()) known.set(path, hashes[i]);
  const entries = files.map((file) => [keyOf(place.prefix, file.path), describeFile(file, known.get(file.path))]);
  const text = JSON.stringify(Object.fromEntries(entries));
  await writeFileAtomically(join(place.path, INSTALL_MANIFEST), text, { durable: false });
}

/**
 * Compares a prefix with its manifest.
 * @returns what is different, in the order of paths; undefined if the prefix has no manifest
 * @throws SpkociError PREFIX_MISSING, FILE_UNREADABLE, or DOCUMENT_INVALID for a manifest that can't be understood
 */
export async function verifyPrefix(place: PrefixPlace, op?: Op): Promise<readonly Difference[] | undefined> {
  const files = listPrefix(place);
  const expected = await readManifest(place, op);
  if (expected === undefined) return undefined;
  const compare = async (file: FoundFile, signal: AbortSignal): Promise<Difference[]> => {
    const { path } = file;
    const entry = expected.get(path);
    if (entry !== undefined) return compareFile(file, entry, signal);
    return path === INSTALL_MANIFEST || LATER_FILES.has(path) ? [] : [{ path, kind: "added" }];
  };
  const found = await mapConcurrently(files, FILES_AT_ONCE, compare, op?.signal);
  const there = new Set(files.map(({ path }) => path));
  const missing = [...expected.keys()].filter((path) => !there.has(path));
  const all = [...found.flat(), ...missing.map((path): Difference => ({ path, kind: "missing" }))];
  return all.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** A file, folder or link of a prefix. */
interface FoundFile {
  /** In the prefix, as Python has it: bytes that are no UTF-8 are lone surrogates. */
  readonly path: string;
  readonly onDisk: Buffer;
  readonly stat: BigIntStats;
}

/** Everything in a prefix, the prefix first. */
function listPrefix(place: PrefixPlace): FoundFile[] {
  const top = Buffer.from(place.path);
  const found: FoundFile[] = [];
  const pending = [{ path: "", onDisk: top }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, onDisk } = next;
    try {
      const stat = lstatSync(onDisk, { bigint: true });
      found.push({ path, onDisk, stat });
      if (!stat.isDirectory()) continue;
      for (const name of readdirSync(onDisk, { encoding: "buffer" })) {
        const text = pythonText(name);
        pending.push({
          path: path === "" ? text : `${path}/${text}`,
          onDisk: Buffer.concat([onDisk, SLASH, name]),
        });
      }
    } catch (error) {
      throw unreadable(error, place, path);
    }
  }
  return found;
}

const SLASH = Buffer.from("/");

function unreadable(error: unknown, place: PrefixPlace, path: string): unknown {
  const code = systemCodeOf(error);
  if (code === undefined || code === "ABORT_ERR") return error;
  if (path === "" && (code === "ENOENT" || code === "ENOTDIR")) {
    return new SpkociError("PREFIX_MISSING", `there is no prefix ${place.path}`, { cause: error });
  }
  return new SpkociError("FILE_UNREADABLE", `${keyOf(place.path, path)} can't be read: ${code}`, { cause: error });
}

function keyOf(prefix: string, path: string): string {
  return path === "" ? prefix : `${prefix}/${path}`;
}

/** @param sha1 of a regular file */
function describeFile({ onDisk, stat }: FoundFile, sha1: Buffer | undefined): Entry {
  const common = { mode: Number(stat.mode), owner: Number(stat.uid), group: Number(stat.gid) };
  if (stat.isSymbolicLink()) return { ...common, dest: pythonText(readlinkSync(onDisk, { encoding: "buffer" })) };
  if (sha1 === undefined) return common;
  return { ...common, hash: spackHash(sha1), time: secondsOf(stat), size: Number(stat.size) };
}

async function compareFile(file: FoundFile, entry: Entry, signal: AbortSignal): Promise<Difference[]> {
  const { path, stat } = file;
  if ((Number(stat.mode) & constants.S_IFMT) !== (entry.mode & constants.S_IFMT)) return [{ path, kind: "type" }];
  const kinds: Difference["kind"][] = [];
  const compare = (kind: Difference["kind"], actual: unknown, expected: unknown): void => {
    if (actual !== expected) kinds.push(kind);
  };
  compare("mode", Number(stat.mode), entry.mode);
  compare("owner", Number(stat.uid), entry.owner);
  compare("group", Number(stat.gid), entry.group);
  if (stat.isSymbolicLink()) {
    compare("target", pythonText(readlinkSync(file.onDisk, { encoding: "buffer" })), entry.dest);
  } else if (stat.isFile()) {
    compare("size", Number(stat.size), entry.size);
    compare("time", secondsOf(stat), entry.time);
    compare("content", spackHash(await hashFile(file.onDisk, path, signal)), entry.hash);
  }
  return kinds.map((kind) => ({ path, kind }));
}

async function hashFile(onDisk: Buffer, path: string, signal: AbortSignal): Promise<Buffer> {
  const sha1 = createHash("sha1");
  try {
    await pipeline(createReadStream(onDisk), sha1, { signal });
  } catch (error) {
    signal.throwIfAborted();
    const code = systemCodeOf(error) ?? "unknown error";
    throw new SpkociError("FILE_UNREADABLE", `${path} can't be read: ${code}`, { cause: error });
  }
  return sha1.digest();
}

function spackHash(sha1: Buffer): string {
  return base32(sha1).toUpperCase();
}

/** The time of the last change as Python computes it, so that it is the same number. */
function secondsOf({ mtimeNs }: BigIntStats): number {
  return Number(mtimeNs / 1_000_000_000n) + 1e-9 * Number(mtimeNs % 1_000_000_000n);
}

/** A name of a file as Python's text: bytes that are no UTF-8 become lone surrogates. */
function pythonText(bytes: Buffer): string {
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

/**
 * The manifest's entries by path in the prefix. Its names may be below another prefix: Spack keeps the manifest of the machine that
 * built a package.
 */
async function readManifest(place: PrefixPlace, op: Op | undefined): Promise<Map<string, Entry> | undefined> {
  const path = join(place.path, INSTALL_MANIFEST);
  let text: string;
  try {
    text = await readTextFile(path, MANIFEST_LIMIT, op);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error instanceof SpkociError ? error : unreadable(error, place, INSTALL_MANIFEST);
  }
  const parsed = z.record(z.string(), entrySchema).safeParse(parseJson(text, path));
  if (!parsed.success) throw invalid(path);
  const keys = Object.keys(parsed.data);
  const prefix = keys.reduce((shortest, key) => (key.length < shortest.length ? key : shortest), keys[0] ?? "");
  const entries = new Map<string, Entry>();
  for (const [key, entry] of Object.entries(parsed.data)) {
    if (key !== prefix && !key.startsWith(`${prefix}/`)) throw invalid(path);
    entries.set(key.slice(prefix.length + 1), entry);
  }
  return entries;
}

function invalid(path: string): SpkociError {
  return new SpkociError("DOCUMENT_INVALID", `${path} is no install manifest`, {
    hint: "Reinstall the package to get another.",
  });
}
