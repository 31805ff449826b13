import { isUtf8 } from "node:buffer";
import type { BigIntStats, Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import { type Awaitable, type FileCalls, pooledCalls } from "../base/file-calls.js";
import type { Op } from "../base/op.js";
import { compareUtf8 } from "./byte-order.js";
import { type Fingerprint, FingerprintMaker } from "./fingerprint.js";

/** What all entries of a layer have. */
interface NamedEntry {
  /** Name in the tar: the recorded absolute path without its leading slash. */
  readonly name: string;
  /** Path in the prefix; empty for the prefix itself. */
  readonly path: string;
}

export interface DirectoryEntry extends NamedEntry {
  readonly type: "directory";
}

export interface FileEntry extends NamedEntry {
  readonly type: "file";
  /** Bytes. */
  readonly size: number;
  /** 0755 if the owner may execute it, else 0644. */
  readonly mode: number;
  /** With `inode` and `size`, how a change between listing and reading is seen. */
  readonly mtimeNs: bigint;
  readonly inode: bigint;
}

export interface SymlinkEntry extends NamedEntry {
  readonly type: "symlink";
  /** As it is on disk. */
  readonly target: string;
}

export interface HardlinkEntry extends NamedEntry {
  readonly type: "hardlink";
  readonly mode: number;
  /** The `name` of the file entry that has the content. */
  readonly target: string;
}

export type Entry = DirectoryEntry | FileEntry | SymlinkEntry | HardlinkEntry;

export interface PrefixEntries {
  /** Names of the directories above the prefix, the outermost first. */
  readonly parents: readonly string[];
  /** The prefix itself, then its content, in the order in which Spack puts it into a tarball. */
  readonly entries: readonly Entry[];
  /** Bytes of all files, hard links counted once. */
  readonly totalSize: number;
  readonly fingerprint: Fingerprint;
}

export interface PrefixLocation {
  /** The install prefix as Spack records it, absolute. */
  readonly prefix: string;
  /** The folder on disk; differs from `prefix` under a sysroot. */
  readonly path: string;
}

/** Where a layer keeps the build info, relative to the prefix. */
export const BUILD_INFO_PATH = ".spack/binary_distribution";

/** What names of whiteouts begin with (image-spec, layer.md). */
export const WHITEOUT = ".wh.";

/** Files and links that are looked at together. */
const DETAILS_AT_ONCE = 64;

/**
 * Lists a prefix the way Spack archives it: depth first, in each directory its files and links in byte order of their
 * names, then its directories. Of several hard links the first is the file, the others name it. Devices, sockets and
 * pipes are left out, and so is the build info of an earlier push.
 * @throws SpkociError PREFIX_MISSING; PREFIX_INVALID for a prefix that is not a plain absolute path, for names and link
 *   targets that are not UTF-8, and for names of whiteouts; FILE_UNREADABLE; FILE_CHANGED if something vanished while it was listed.
 */
export async function readEntries(
  location: PrefixLocation,
  op?: Op,
  calls: FileCalls = pooledCalls,
): Promise<PrefixEntries> {
  const root = nameOf(location.prefix);
  await assertFolder(location);
  const listing = new Listing(location.path, root, calls);
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    // Calls that answer at once would let nothing else happen until the whole prefix is listed.
    await nextTurn();
    op?.signal?.throwIfAborted();
    const found = await readFolder(location.path, folder, calls);
    await listing.add(folder, found.others, op);
    folders.push(...found.folders.reverse());
  }
  const { entries, totalSize } = listing;
  return { parents: parentsOf(root), entries, totalSize, fingerprint: listing.fingerprint.finish() };
}

class Listing {
  readonly entries: Entry[] = [];
  readonly fingerprint: FingerprintMaker = new FingerprintMaker(Date.now());
  totalSize = 0;
  readonly #disk: string;
  readonly #root: string;
  readonly #calls: FileCalls;
  /** Files with several links: device and inode → name of the first. */
  readonly #firstLinks = new Map<string, string>();

  constructor(disk: string, root: string, calls: FileCalls) {
    this.#disk = disk;
    this.#root = root;
    this.#calls = calls;
  }

  async add(folder: string, others: readonly FoundEntry[], op: Op | undefined): Promise<void> {
    this.entries.push({ type: "directory", name: this.#nameOf(folder), path: folder });
    this.fingerprint.addFolder(folder);
    for (let from = 0; from < others.length; from += DETAILS_AT_ONCE) {
      const some = others.slice(from, from + DETAILS_AT_ONCE);
      const details = await settleInOrder(some.map((found) => this.#readDetail(found)));
      op?.signal?.throwIfAborted();
      some.forEach(({ path }, at) => {
        const detail = details[at] as Detail;
        if (Buffer.isBuffer(detail)) this.#addLink(path, detail);
        else if (detail.isFile()) this.#addFile(path, detail);
      });
    }
  }

  #addLink(path: string, bytes: Buffer): void {
    const target = decodeTarget(bytes, this.#onDisk(path));
    this.entries.push({ type: "symlink", name: this.#nameOf(path), path, target });
    this.fingerprint.addLink(path, target);
  }

  #addFile(path: string, stats: BigIntStats): void {
    this.fingerprint.addFile(path, stats);
    const name = this.#nameOf(path);
    const mode = (stats.mode & 0o100n) === 0n ? 0o644 : 0o755;
    if (stats.nlink > 1n) {
      const identity = `${stats.dev}:${stats.ino}`;
      const target = this.#firstLinks.get(identity);
      if (target !== undefined) {
        this.entries.push({ type: "hardlink", name, path, mode, target });
        return;
      }
      this.#firstLinks.set(identity, name);
    }
    const size = Number(stats.size);
    this.totalSize += size;
    this.entries.push({ type: "file", name, path, size, mode, mtimeNs: stats.mtimeNs, inode: stats.ino });
  }

  /** Never throws. What answers at once costs no turn: a large prefix has many files. */
  #readDetail({ path, isLink }: FoundEntry): Awaitable<Detail> {
    const onDisk = this.#onDisk(path);
    try {
      const detail = isLink ? this.#calls.readlink(onDisk) : this.#calls.lstat(onDisk);
      if (!(detail instanceof Promise)) return detail;
      return detail.catch((error: unknown) => Promise.reject(readingFailed(error, onDisk)));
    } catch (error) {
      return Promise.reject(readingFailed(error, onDisk));
    }
  }

  #onDisk(path: string): string {
    return `${this.#disk}/${path}`;
  }

  #nameOf(path: string): string {
    return path === "" ? this.#root : `${this.#root}/${path}`;
  }
}

/** A link's target, or what lstat says of a file. */
type Detail = Buffer | BigIntStats;

/** Waits for all; of several failures the first in their order is thrown. */
async function settleInOrder<T>(answers: readonly Awaitable<T>[]): Promise<readonly T[]> {
  if (!answers.some((answer) => answer instanceof Promise)) return answers as readonly T[];
  const settled = await Promise.allSettled(answers);
  return settled.map((answer) => {
    if (answer.status === "rejected") throw answer.reason;
    return answer.value;
  });
}

interface FoundEntry {
  readonly path: string;
  readonly isLink: boolean;
}

/** The content of one folder in byte order: its folders, and its files and links. */
async function readFolder(
  disk: string,
  folder: string,
  calls: FileCalls,
): Promise<{ folders: string[]; others: FoundEntry[] }> {
  const onDisk = join(disk, folder);
  const folders: string[] = [];
  const others: FoundEntry[] = [];
  for (const found of (await readNames(onDisk, calls)).sort((a, b) => compareUtf8(a.name, b.name))) {
    const path = folder === "" ? found.name : `${folder}/${found.name}`;
    if (path === BUILD_INFO_PATH) continue;
    if (found.name.startsWith(WHITEOUT)) throw whiteout(join(disk, path));
    if (found.isDirectory()) folders.push(path);
    else if (found.isFile() || found.isSymbolicLink()) others.push({ path, isLink: found.isSymbolicLink() });
  }
  return { folders, others };
}

async function readNames(onDisk: string, calls: FileCalls): Promise<Dirent[]> {
  try {
    const found = await calls.readdir(onDisk);
    if (found.some(({ name }) => name.includes("\ufffd"))) assertUtf8(await readdir(onDisk, "buffer"), onDisk);
    return found;
  } catch (error) {
    throw readingFailed(error, onDisk);
  }
}

/** Node puts U+FFFD for bytes that are not UTF-8, so only names with it need a look at their bytes. */
function assertUtf8(names: readonly Buffer[], folder: string): void {
  const bad = names.find((name) => !isUtf8(name));
  if (bad) throw notUtf8(`the name ${JSON.stringify(bad.toString("latin1"))} in ${folder}`);
}

function decodeTarget(target: Buffer, link: string): string {
  if (!isUtf8(target)) throw notUtf8(`the target of the link ${link}`);
  return target.toString("utf8");
}

function whiteout(path: string): SpkociError {
  return new SpkociError("PREFIX_INVALID", `the name of ${path} means in a layer that a file is removed`, {
    hint: `No name in an image's layer may begin with ${WHITEOUT} (image-spec, Whiteouts). Install the package without it.`,
  });
}

function notUtf8(what: string): SpkociError {
  return new SpkociError("PREFIX_INVALID", `not valid UTF-8: ${what}`, {
    hint: "Names in a layer are UTF-8. Rename it, or install the package without it.",
  });
}

/** A failed read as FILE_UNREADABLE, or FILE_CHANGED where what was listed is gone. */
export function readingFailed(error: unknown, path: string): unknown {
  const code = systemCodeOf(error);
  if (code === undefined || error instanceof SpkociError || code === "ABORT_ERR") return error;
  if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP" || code === "EINVAL") {
    return new SpkociError("FILE_CHANGED", `${path} vanished or was replaced while the prefix was read`, {
      cause: error,
      hint: "Push again when nothing writes to the package.",
    });
  }
  return new SpkociError("FILE_UNREADABLE", `can't read ${path}: ${code}`, {
    cause: error,
    hint: "Push as a user who may read it.",
  });
}

async function assertFolder({ prefix, path }: PrefixLocation): Promise<void> {
  const where = path === prefix ? prefix : `${prefix} (${path})`;
  const missing = (cause?: unknown): SpkociError =>
    new SpkociError("PREFIX_MISSING", `the install prefix ${where} ${cause ? "doesn't exist" : "is not a folder"}`, {
      cause,
      hint: "The store's database names it; reinstall the package, or let Spack rebuild the database (spack reindex).",
    });
  const stats = await stat(path).catch((error: unknown) => {
    const code = systemCodeOf(error);
    throw code === "ENOENT" || code === "ENOTDIR" ? missing(error) : readingFailed(error, path);
  });
  if (!stats.isDirectory()) throw missing();
}

function nameOf(prefix: string): string {
  const name = prefix.slice(1);
  const plain = name.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  if (prefix.startsWith("/") && plain) return name;
  throw new SpkociError("PREFIX_INVALID", `not a plain absolute path: ${JSON.stringify(prefix)}`);
}

function parentsOf(name: string): string[] {
  const parts = name.split("/");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("/"));
}
