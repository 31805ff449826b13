import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  statSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { asStorageError } from "../base/errors.js";

/** A new file, whatever has its name. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

const MAX_TIME = 0xffff_ffff;

export interface FileAttributes {
  readonly mode: number;
  /** Seconds since 1970; the current time if undefined. */
  readonly mtime: number | undefined;
}

/** A file that is written in pieces. */
export interface FileWriter {
  /** The chunk's memory is used again. */
  write(chunk: Buffer): void;
  /** Ends it, whole or not. */
  close(): void;
}

/** Where an archive's files, directories and links go: a parent before what is in it. Paths are plain and relative. */
export interface UnpackSink {
  makeFolder(path: string): void;
  makeSymlink(path: string, target: string): void;
  makeHardlink(path: string, target: string): void;
  openFile(path: string, attributes: FileAttributes): FileWriter;
  /** A file that is in memory. */
  writeFile(path: string, attributes: FileAttributes, content: Buffer): void;
  /** Gives a directory its permissions, unless it has them. */
  setFolderMode(path: string, mode: number): void;
}

/** Permissions that directories are made with; the umask is applied to them. */
const FOLDER_MODE = 0o755;

/**
 * Makes files, directories and links below a folder. Each call is done when it returns: for small files this takes a fraction of what
 * handing them to other threads does. Failures are SpkociErrors NO_SPACE and STORAGE_FAILED that say `action`.
 */
export class Disk implements UnpackSink {
  readonly #root: string;
  readonly #action: string;
  /** Permissions that the process's umask, or the folder's default ACL, leaves to new files. */
  readonly #allowed: number;

  private constructor(root: string, action: string, allowed: number) {
    this.#root = root;
    this.#action = action;
    this.#allowed = allowed;
  }

  /** Makes the folder `root`, whose parent must be there. */
  static create(root: string, action: string): Disk {
    return storing(action, () => {
      mkdirSync(root, { mode: 0o777 });
      return new Disk(root, action, statSync(root).mode & 0o777);
    });
  }

  /** The same for what was moved to `root`. */
  movedTo(root: string): Disk {
    return new Disk(root, this.#action, this.#allowed);
  }

  makeFolder(path: string): void {
    storing(this.#action, () => mkdirSync(this.pathOf(path), { mode: FOLDER_MODE }));
  }

  makeSymlink(path: string, target: string): void {
    storing(this.#action, () => symlinkSync(target, this.pathOf(path)));
  }

  makeHardlink(path: string, target: string): void {
    storing(this.#action, () => linkSync(this.pathOf(target), this.pathOf(path)));
  }

  openFile(path: string, attributes: FileAttributes): FileWriter {
    const action = this.#action;
    const file = storing(action, () => openSync(this.pathOf(path), FLAGS, attributes.mode));
    return {
      write: (chunk) => storing(action, () => writeAll(file, chunk)),
      close: () => storing(action, () => this.#close(file, attributes)),
    };
  }

  writeFile(path: string, attributes: FileAttributes, content: Buffer): void {
    storing(this.#action, () => {
      const file = openSync(this.pathOf(path), FLAGS, attributes.mode);
      try {
        writeAll(file, content);
      } finally {
        this.#close(file, attributes);
      }
    });
  }

  #close(file: number, { mode, mtime }: FileAttributes): void {
    try {
      if ((mode & ~this.#allowed) !== 0) fchmodSync(file, mode);
      if (mtime !== undefined) futimesSync(file, secondsOf(mtime), secondsOf(mtime));
    } finally {
      closeSync(file);
    }
  }

  setFolderMode(path: string, mode: number): void {
    if (mode !== (FOLDER_MODE & this.#allowed)) storing(this.#action, () => chmodSync(this.pathOf(path), mode));
  }

  /** Where it is on disk. */
  pathOf(path: string): string {
    return `${this.#root}/${path}`;
  }
}

/** The operation's result; a failure of the file system as a SpkociError that says `action`. */
export async function storage<T>(operation: Promise<T>, action: string): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw asStorageError(error, action);
  }
}

function storing<T>(action: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw asStorageError(error, action);
  }
}

function writeAll(file: number, chunk: Buffer): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
}

/** The time, or 0 for one that file systems may not take. */
function secondsOf(time: number): number {
  return time <= MAX_TIME ? time : 0;
}
