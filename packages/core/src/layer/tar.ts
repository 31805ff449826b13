import { type Header, type Pack, pack } from "tar-stream";
import type { Entry, FileEntry } from "./entries.js";

/** Python's tarfile, and so Spack, fills an archive up to a multiple of this. */
const RECORD_SIZE = 10_240;

/** Size of all blocks but the last. */
const BLOCK_SIZE: number = 256 * 1024;

const FOLDER_MODE = 0o755;
const LINK_MODE = 0o755;

type EntryHeader = Pick<Header, "name" | "type" | "mode"> & Partial<Header>;
type Sink = ReturnType<Pack["entry"]>;

/**
 * Writes a tar of POSIX's PAX format, normalised as Spack does it: owner 0, no owner names, time 0. Entries are added one after the
 * other, each awaited; `blocks` is read at the same time, and slows the adding down to its pace.
 */
export class TarWriter {
  readonly #pack: Pack = pack({ highWaterMark: BLOCK_SIZE });
  #failure: Error | undefined;

  constructor() {
    // `blocks` throws the failure; without a listener the emitter would throw it too.
    this.#pack.on("error", () => {});
  }

  /**
   * The tar's bytes, in blocks whose borders depend on nothing but the content. Throws what `fail` was given. When the
   * reader stops early, adding fails.
   */
  async *blocks(): AsyncGenerator<Buffer, void, undefined> {
    let block = Buffer.allocUnsafe(BLOCK_SIZE);
    let filled = 0;
    let written = 0;
    for await (const chunk of this.#pack as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; ) {
        const copied = chunk.copy(block, filled, at);
        at += copied;
        filled += copied;
        if (filled < BLOCK_SIZE) continue;
        yield block;
        written += filled;
        block = Buffer.allocUnsafe(BLOCK_SIZE);
        filled = 0;
      }
    }
    if (this.#failure !== undefined) throw this.#failure;
    yield block.subarray(0, filled);
    const excess = (written + filled) % RECORD_SIZE;
    if (excess > 0) yield Buffer.alloc(RECORD_SIZE - excess);
  }

  addDirectory(name: string): Promise<void> {
    return this.#add({ name: `${name}/`, type: "directory", mode: FOLDER_MODE });
  }

  /** Adds an entry that has no content. */
  addEntry(entry: Exclude<Entry, FileEntry>): Promise<void> {
    const { name } = entry;
    if (entry.type === "directory") return this.addDirectory(name);
    if (entry.type === "symlink") return this.#add({ name, type: "symlink", mode: LINK_MODE, linkname: entry.target });
    return this.#add({ name, type: "link", mode: entry.mode, linkname: entry.target });
  }

  /** Adds a file that is in memory. */
  addBytes(name: string, mode: number, content: Buffer): Promise<void> {
    return this.#add({ name, type: "file", mode, size: content.length }, content);
  }

  /** Adds a file of exactly `size` bytes. */
  async addFile({ name, mode, size }: FileEntry, content: AsyncIterable<Buffer>): Promise<void> {
    const { sink, done } = this.#open({ name, type: "file", mode, size });
    for await (const chunk of content) {
      if (!sink.write(chunk)) await drained(sink);
    }
    sink.end(null);
    await done;
  }

  /** Ends the archive. */
  finish(): void {
    this.#pack.finalize();
  }

  /** Ends `blocks` with an error, unless it has ended. */
  fail(error: unknown): void {
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.#pack.destroy(this.#failure);
  }

  async #add(header: EntryHeader, content?: Buffer): Promise<void> {
    await this.#open(header, content).done;
  }

  /** `done` settles when the whole entry is in the archive. */
  #open(header: EntryHeader, content?: Buffer): { sink: Sink; done: Promise<void> } {
    let settle: (error?: Error | null) => void = () => {};
    const done = new Promise<void>((resolve, reject) => {
      const closed = (): void => settle(new Error("the archive was closed"));
      settle = (error) => {
        this.#pack.off("close", closed);
        return error ? reject(error) : resolve();
      };
      this.#pack.on("close", closed);
    });
    done.catch(() => {});
    const sink = content
      ? this.#pack.entry(normalised(header), content, settle)
      : this.#pack.entry(normalised(header), settle);
    sink.on("error", settle);
    return { sink, done };
  }
}

/** The header with the time and owner that all entries have. */
function normalised(header: EntryHeader): EntryHeader {
  const plain = { ...header, uid: 0, gid: 0, mtime: new Date(0) };
  // tar-stream writes a PAX header for names that need one, but not for short link targets beyond ASCII.
  return isAscii(header.linkname ?? "") ? plain : { ...plain, pax: {} };
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

/** Waits until `sink` takes more, or is destroyed. */
async function drained(sink: Sink): Promise<void> {
  if (sink.destroyed) throw new Error("the archive was closed");
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      sink.off("drain", settle);
      sink.off("close", settle);
      resolve();
    };
    sink.on("drain", settle);
    sink.on("close", settle);
  });
  if (sink.destroyed) throw new Error("the archive was closed");
}
