import { constants, type Stats } from "node:fs";
import { chmod, type FileHandle, lstat, open } from "node:fs/promises";
import { join } from "node:path";
import { SpkociError, systemCodeOf } from "../base/errors.js";

/** A file that build info lists. */
export interface TreeFile {
  /** Path in the prefix. */
  readonly name: string;
  readonly onDisk: string;
  readonly stats: Stats;
}

/** Write permission for the owner. */
const OWNER_WRITE = 0o200;

/**
 * Finds the files that build info lists in an unpacked prefix. Lists are not trusted: no symbolic link is followed on the way, and
 * nothing outside of the prefix is reached.
 */
export class PrefixTree {
  readonly #root: string;
  readonly #folders = new Set<string>([""]);
  /** Settles when the file that was asked for last is found. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Where the file is on disk, and what it is. Files are found in the order in which they are asked for, so that the first name of a hard
   * link doesn't depend on the disk.
   * @throws SpkociError RELOCATION_FAILED if the path leaves the prefix, leads through a link, or nothing is there
   */
  find(path: string): Promise<TreeFile> {
    const found = this.#last.then(() => this.#look(path));
    this.#last = found.catch(() => {});
    return found;
  }

  async #look(path: string): Promise<TreeFile> {
    const parts = path.split("/");
    if (path.includes("\0") || parts.some((part) => part === "" || part === "." || part === "..")) {
      throw refused(path, "is no path in the package");
    }
    for (let depth = 1; depth < parts.length; depth += 1)
      await this.#checkFolder(parts.slice(0, depth).join("/"), path);
    const onDisk = join(this.#root, path);
    const stats = await statOf(onDisk);
    if (stats === undefined) throw refused(path, "isn't in the package");
    return { name: path, onDisk, stats };
  }

  async #checkFolder(folder: string, path: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    const stats = await statOf(join(this.#root, folder));
    if (stats?.isDirectory() !== true) throw refused(path, "isn't in a folder of the package");
    this.#folders.add(folder);
  }
}

/** Runs `task` with a regular file opened for reading and writing; a file that its owner may not write stays so. */
export async function withWritable<T>(
  onDisk: string,
  stats: Stats,
  task: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const mode = stats.mode & 0o7777;
  const isReadOnly = (mode & OWNER_WRITE) === 0;
  if (isReadOnly) await chmod(onDisk, mode | OWNER_WRITE);
  try {
    const file = await open(onDisk, constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      return await task(file);
    } finally {
      await file.close();
    }
  } finally {
    if (isReadOnly) await chmod(onDisk, mode);
  }
}

/** Writes all of `bytes` at a place. */
export async function writeAt(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, offset + written);
    written += bytesWritten;
  }
}

function refused(path: string, why: string): SpkociError {
  return new SpkociError("RELOCATION_FAILED", `the build info lists ${JSON.stringify(path)}, which ${why}`, {
    hint: "The package's tarball is damaged, or somebody has made it on purpose. Don't use it.",
  });
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
