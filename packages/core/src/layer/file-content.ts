import { constants } from "node:fs";
import { SpkociError } from "../base/errors.js";
import type { FileCalls } from "../base/file-calls.js";
import { type FileEntry, readingFailed } from "./entries.js";

/** Neither follows a link nor waits for a pipe that took the file's place. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A listed file that is read once, from its beginning to its end. At the end it must still be the one that was listed, and is closed.
 */
export class ListedFile {
  readonly entry: FileEntry;
  readonly #path: string;
  readonly #calls: FileCalls;
  #file: number | undefined;
  #read = 0;

  constructor(path: string, entry: FileEntry, calls: FileCalls) {
    this.entry = entry;
    this.#path = path;
    this.#calls = calls;
  }

  /**
   * Fills `into` with the file's next bytes; an empty file is read into no bytes.
   * @throws SpkociError FILE_UNREADABLE; FILE_CHANGED if its size, time or inode differ, or it vanished. The file is closed then.
   */
  async read(into: Buffer): Promise<void> {
    try {
      this.#file ??= await this.#calls.open(this.#path, FLAGS);
      for (let filled = 0; filled < into.length; ) {
        const bytes = await this.#calls.read(this.#file, into.subarray(filled));
        if (bytes === 0) throw changed(this.#path);
        filled += bytes;
      }
      this.#read += into.length;
      if (this.#read < this.entry.size) return;
      await this.#assertSame(this.#file);
    } catch (error) {
      await this.close();
      throw readingFailed(error, this.#path);
    }
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#file === undefined) return;
    const file = this.#file;
    this.#file = undefined;
    await this.#calls.close(file);
  }

  async #assertSame(file: number): Promise<void> {
    const now = await this.#calls.fstat(file);
    const { size, mtimeNs, inode } = this.entry;
    if (now.size !== BigInt(size) || now.mtimeNs !== mtimeNs || now.ino !== inode) throw changed(this.#path);
  }
}

function changed(path: string): SpkociError {
  return new SpkociError("FILE_CHANGED", `${path} changed while it was read`, {
    hint: "Push again when nothing writes to the package.",
  });
}
