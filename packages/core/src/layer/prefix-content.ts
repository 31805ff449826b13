import { join } from "node:path";
import type { FileCalls } from "../base/file-calls.js";
import type { PrefixEntries } from "./entries.js";
import { ListedFile } from "./file-content.js";
import { type FileScan, RelocatableScan, type Relocatables } from "./relocatables.js";
import type { ContentSlot } from "./tar-blocks.js";

/** Files that are read at once. */
const FILES_AT_ONCE = 16;

export interface PrefixSource {
  /** The folder on disk. */
  readonly path: string;
  readonly needles: readonly string[];
  readonly onProgress?: ((bytes: number, total: number) => void) | undefined;
}

/**
 * Reads the listed files of a prefix into the slots of a tar, each once and in the order of the tar, and finds out on the way what
 * Spack has to relocate.
 */
export class PrefixContent {
  readonly #source: PrefixSource;
  readonly #calls: FileCalls;
  readonly #totalSize: number;
  readonly #scan: RelocatableScan;
  /** The file that goes on in the next block. */
  #open: { readonly file: ListedFile; readonly scan: FileScan | undefined } | undefined;
  #read = 0;

  constructor(source: PrefixSource, listed: PrefixEntries, calls: FileCalls) {
    this.#source = source;
    this.#calls = calls;
    this.#totalSize = listed.totalSize;
    this.#scan = new RelocatableScan(source.needles);
    for (const entry of listed.entries) if (entry.type === "symlink") this.#scan.addLink(entry);
  }

  /** What was found in the files that have been read. */
  get found(): Relocatables {
    return this.#scan.found;
  }

  /**
   * Reads several files at once, then looks at them one after the other.
   * @throws SpkociError as `ListedFile`; of several failures the first in the order of the tar
   */
  async fill(slots: readonly ContentSlot[]): Promise<void> {
    const files = slots.map(({ entry }, at) => this.#fileOf(entry, at));
    const last = slots.at(-1);
    this.#open = last && !last.last ? files.at(-1) : undefined;
    await allInOrder(FILES_AT_ONCE, files, ({ file }, at) => file.read((slots[at] as ContentSlot).bytes));
    slots.forEach(({ bytes, last: ended }, at) => {
      const scan = files[at]?.scan;
      scan?.update(bytes);
      if (ended) scan?.finish();
      this.#read += bytes.length;
      this.#source.onProgress?.(this.#read, this.#totalSize);
    });
  }

  /** Closes the file that goes on in the next block. */
  async close(): Promise<void> {
    await this.#open?.file.close();
  }

  /** Only the first slot of a block goes on with a file. */
  #fileOf(entry: ContentSlot["entry"], at: number): { file: ListedFile; scan: FileScan | undefined } {
    if (at === 0 && this.#open) return this.#open;
    const file = new ListedFile(join(this.#source.path, entry.path), entry, this.#calls);
    return { file, scan: this.#scan.scanFile(entry) };
  }
}

/** Runs a task for each item, several at once; after a failure no more are started, and the first is thrown once all have ended. */
async function allInOrder<T>(
  concurrency: number,
  items: readonly T[],
  task: (item: T, at: number) => Promise<void>,
): Promise<void> {
  const failures: { readonly at: number; readonly error: unknown }[] = [];
  const waiting = items.entries();
  const runner = async (): Promise<void> => {
    for (const [at, item] of waiting) {
      if (failures.length > 0) return;
      await task(item, at).catch((error: unknown) => failures.push({ at, error }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, runner));
  const [first] = failures.sort((a, b) => a.at - b.at);
  if (first) throw first.error;
}
