import { constants, readlinkSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { mapConcurrently } from "../base/concurrency.js";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import type { Op } from "../base/op.js";
import {
  type FoundFile,
  hashFile,
  INSTALL_MANIFEST,
  type PrefixPlace,
  pythonText,
  secondsOf,
  spackHash,
  unreadable,
  walkPrefix,
} from "./prefix-listing.js";
import { readTextFile } from "./text-file.js";

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

/** Written by Spack after the manifest. */
const LATER_FILES: ReadonlySet<string> = new Set([".spack/install_times.json"]);

const MANIFEST_LIMIT = 400 * 1024 * 1024;
const FILES_AT_ONCE = 8;

/**
 * Compares a prefix with its manifest.
 * @returns what is different, in the order of paths; undefined if the prefix has no manifest
 * @throws SpkociError PREFIX_MISSING, FILE_UNREADABLE, or DOCUMENT_INVALID for a manifest that can't be understood
 */
export async function verifyPrefix(place: PrefixPlace, op?: Op): Promise<readonly Difference[] | undefined> {
  const files = [...walkPrefix(place)];
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

async function compareFile(file: FoundFile, entry: Entry, signal: AbortSignal): Promise<Difference[]> {
  const { path, stat } = file;
  if ((stat.mode & constants.S_IFMT) !== (entry.mode & constants.S_IFMT)) return [{ path, kind: "type" }];
  const kinds: Difference["kind"][] = [];
  const compare = (kind: Difference["kind"], actual: unknown, expected: unknown): void => {
    if (actual !== expected) kinds.push(kind);
  };
  compare("mode", stat.mode, entry.mode);
  compare("owner", stat.uid, entry.owner);
  compare("group", stat.gid, entry.group);
  if (stat.isSymbolicLink()) {
    compare("target", pythonText(readlinkSync(file.onDisk, { encoding: "buffer" })), entry.dest);
  } else if (stat.isFile()) {
    compare("size", stat.size, entry.size);
    compare("time", secondsOf(file), entry.time);
    compare("content", spackHash(await hashFile(file.onDisk, path, signal)), entry.hash);
  }
  return kinds.map((kind) => ({ path, kind }));
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
