import { constants } from "node:fs";
import { chmod, type FileHandle, link, mkdir, open, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { asStorageError } from "../base/errors.js";

/** A new file, whatever has its name. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** What is done at the same time. Small files are in memory meanwhile: 8 MiB at most, with the rest of the chunks they came in. */
const TASKS = 16;

const MAX_TIME = 0xffff_ffff;

/** A file's bytes, in one piece or in many. */
export type Content = Iterable<Buffer> | AsyncIterable<Buffer>;

export interface FileAttributes {
  readonly mode: number;
  readonly mtime: Date;
}

/**
 * Where an archive's files, directories and links go. What each call returns settles when it is done; a parent is made before, and
 * `after` settles when it is there.
 */
export interface UnpackSink {
  /** Waits until the next can be begun at once, and throws what an earlier one failed with. */
  ready(): Promise<void>;
  makeFolder(path: string, after: Promise<void>): Promise<void>;
  makeSymlink(path: string, target: string, after: Promise<void>): Promise<void>;
  makeHardlink(path: string, target: string, after: Promise<unknown>): Promise<void>;
  writeFile(path: string, attributes: FileAttributes, content: Content, after: Promise<void>): Promise<void>;
  /** Gives a directory its permissions, unless it has them. */
  setFolderMode(path: string, mode: number): Promise<void> | undefined;
}

/** Permissions that directories are made with; the umask is applied to them. */
const FOLDER_MODE = 0o755;

/**
 * Makes files, directories and links below a folder, several at a time. What each call returns settles when it is done. Failures are
 * SpkociErrors NO_SPACE and STORAGE_FAILED that say `action`; those of a file's content are thrown as they are.
 */
export class Disk implements UnpackSink {
  readonly #root: string;
  readonly #action: string;
  /** Permissions that the process's umask, or the folder's default ACL, leaves to new files. */
  readonly #allowed: number;
  readonly #running = new Set<Promise<unknown>>();
  #failure: { readonly error: unknown } | undefined;

  private constructor(root: string, action: string, allowed: number) {
    this.#root = root;
    this.#action = action;
    this.#allowed = allowed;
  }

  /** Makes the folder `root`, whose parent must be there. */
  static async create(root: string, action: string): Promise<Disk> {
    await mkdir(root, { mode: 0o777 });
    return new Disk(root, action, (await stat(root)).mode & 0o777);
  }

  async ready(): Promise<void> {
    while (this.#running.size >= TASKS) await Promise.race(this.#running);
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits for all tasks, and throws what the first that failed did. */
  async finish(): Promise<void> {
    await this.settle();
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits for all tasks, failed or not. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  makeFolder(path: string, after: Promise<void>): Promise<void> {
    return this.#start(after, () => this.#storage(mkdir(join(this.#root, path), { mode: FOLDER_MODE })));
  }

  makeSymlink(path: string, target: string, after: Promise<void>): Promise<void> {
    return this.#start(after, () => this.#storage(symlink(target, join(this.#root, path))));
  }

  makeHardlink(path: string, target: string, after: Promise<unknown>): Promise<void> {
    return this.#start(after, () => this.#storage(link(join(this.#root, target), join(this.#root, path))));
  }

  writeFile(path: string, attributes: FileAttributes, content: Content, after: Promise<void>): Promise<void> {
    return this.#start(after, () => this.#write(path, attributes, content));
  }

  setFolderMode(path: string, mode: number): Promise<void> | undefined {
    if (mode === (FOLDER_MODE & this.#allowed)) return undefined;
    return this.#start(Promise.resolve(), () => this.#storage(chmod(join(this.#root, path), mode)));
  }

  #start(after: Promise<unknown>, task: () => Promise<void>): Promise<void> {
    const run = after.then(task);
    const watched = run
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(watched));
    this.#running.add(watched);
    return run;
  }

  async #write(path: string, { mode, mtime }: FileAttributes, content: Content): Promise<void> {
    const file = await this.#storage(open(join(this.#root, path), FLAGS, mode));
    try {
      for await (const chunk of content) await this.#storage(writeAll(file, chunk));
      if ((mode & ~this.#allowed) !== 0) await this.#storage(file.chmod(mode));
      const seconds = secondsOf(mtime);
      await this.#storage(file.utimes(seconds, seconds));
    } finally {
      await this.#storage(file.close());
    }
  }

  #storage<T>(operation: Promise<T>): Promise<T> {
    return storage(operation, this.#action);
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

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
}

/** Seconds since 1970, or 0 for a time that file systems may not take. */
function secondsOf(time: Date): number {
  const seconds = Math.floor(time.getTime() / 1000);
  return seconds >= 0 && seconds <= MAX_TIME ? seconds : 0;
}
