import type { TarEntry } from "./extract-entries.js";
import { READ_SIZE } from "./file-content.js";
import type { UnpackSink } from "./unpack-disk.js";
import type { UnpackLimits } from "./unpack-limits.js";
import { checkTarget, parseName } from "./unpack-name.js";
import { Refusal } from "./unpack-refusal.js";
import { EntryTable, type FolderNode } from "./unpack-table.js";

/** Permissions that anything unpacked can have: no set-uid, set-gid or sticky bit, and nobody but the owner may write. */
const PERMISSIONS = 0o755;
const OWNER_READS = 0o400;
const OWNER_ENTERS = 0o500;
const OWNER_WRITES = 0o200;

/** Another name of a file: both as they stand in the archive. */
export interface HardLink {
  readonly path: string;
  readonly target: string;
}

/** A file or directory that its owner may not write to, with the permissions that it has in the archive. */
export interface ReadOnlyEntry {
  readonly path: string;
  readonly mode: number;
}

/** Called for every regular file once its content has been read; `name` is the one in the archive, and is a plain relative path. */
export type OnFile = (file: { readonly name: string; readonly size: number }) => void;

/**
 * Puts the entries of an archive where they go, under their whole names, and decides on each of them whether it may be there. All of
 * them can be read and written by their owner, who is this user.
 */
export class UnpackedTree {
  readonly table: EntryTable;
  readonly hardlinks: HardLink[] = [];
  /** Files that are to be read-only; directories are in `finish`'s result. */
  readonly readOnlyFiles: ReadOnlyEntry[] = [];
  files = 0;
  symlinks = 0;
  /** Bytes of all files. */
  bytes = 0;
  /** Name of the entry that was begun last. */
  last: string | undefined;
  readonly #sink: UnpackSink;
  readonly #maxBytes: number;
  readonly #onFile: OnFile | undefined;

  constructor(sink: UnpackSink, { maxBytes, maxEntries }: UnpackLimits, onFile: OnFile | undefined) {
    this.#sink = sink;
    this.#maxBytes = maxBytes;
    this.#onFile = onFile;
    this.table = new EntryTable(maxEntries, (path, parent) => sink.makeFolder(path, parent.made));
  }

  /**
   * Unpacks an entry, or begins to. Its content has been read when this returns.
   * @throws Refusal, and what an earlier entry failed with
   */
  async add(entry: TarEntry): Promise<void> {
    this.last = entry.name;
    await this.#sink.ready();
    if (entry.type === "file") return this.#addFile(entry);
    if (entry.size !== 0) throw Refusal.at(entry.name, "it has content, and is no file");
    if (entry.type === "directory") return this.#addFolder(entry);
    if (entry.type === "symlink") return this.#addSymlink(entry);
    if (entry.type === "link") return this.#addHardlink(entry);
    throw Refusal.at(entry.name, `it is ${entry.type === null ? "of a type that is not known" : `a ${entry.type}`}`);
  }

  #addFolder(entry: TarEntry): void {
    const folder = this.table.folderAt(parseName(entry.name, true), entry.name);
    const mode = permissionsOf(entry) | OWNER_ENTERS;
    if (folder.mode !== undefined && folder.mode !== mode) {
      throw Refusal.at(entry.name, "it comes twice, with different permissions");
    }
    folder.mode = mode;
  }

  async #addFile(entry: TarEntry): Promise<void> {
    const { name, size, mtime } = entry;
    const place = this.table.placeFor(parseName(name, false), name);
    if (this.bytes + size > this.#maxBytes)
      throw Refusal.at(name, `with it there are more than ${this.#maxBytes} bytes`);
    const mode = permissionsOf(entry) | OWNER_READS;
    const isSmall = size <= READ_SIZE;
    const content = isSmall ? await contentOf(entry) : entry.content;
    const written = this.#sink.writeFile(name, { mode: mode | OWNER_WRITES, mtime }, content, place.folder.made);
    this.table.add(place, { type: "file", size, written }, name);
    if (!isSmall) await written;
    this.files += 1;
    this.bytes += size;
    if ((mode & OWNER_WRITES) === 0) this.readOnlyFiles.push({ path: name, mode });
    this.#onFile?.({ name, size });
  }

  #addSymlink({ name, target }: TarEntry): void {
    const place = this.table.placeFor(parseName(name, false), name);
    checkTarget(target, name);
    this.table.add(place, { type: "link" }, name);
    this.symlinks += 1;
    // The table knows of links, so nothing waits for this one.
    void this.#sink.makeSymlink(name, target, place.folder.made);
  }

  #addHardlink({ name, target }: TarEntry): void {
    const place = this.table.placeFor(parseName(name, false), name);
    const found = this.table.find(target.split("/"));
    if (found?.type !== "file") throw Refusal.at(name, "it is a hard link to what is no earlier file of the archive");
    const { size } = found;
    const written = this.#sink.makeHardlink(name, target, Promise.all([found.written, place.folder.made]));
    this.table.add(place, { type: "file", size, written }, name);
    this.hardlinks.push({ path: name, target });
  }

  /**
   * Gives the directories below `folder`, and itself, their permissions.
   * @returns how many there are, and those that are to be read-only, each after all that is in it
   */
  async finishFolders(folder: FolderNode, path: string): Promise<{ count: number; readOnly: ReadOnlyEntry[] }> {
    const readOnly: ReadOnlyEntry[] = [];
    let count = 1;
    for (const [name, child] of folder.children) {
      if (child.type !== "folder") continue;
      const below = await this.finishFolders(child, `${path}/${name}`);
      readOnly.push(...below.readOnly);
      count += below.count;
    }
    const mode = folder.mode ?? PERMISSIONS;
    if ((mode & OWNER_WRITES) === 0) readOnly.push({ path, mode });
    await this.#sink.ready();
    this.#sink.setFolderMode(path, mode | OWNER_WRITES);
    return { count, readOnly };
  }
}

function permissionsOf({ mode }: TarEntry): number {
  return (mode ?? 0) & PERMISSIONS;
}

/** The content of a small file. */
async function contentOf({ content, size }: TarEntry): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  if (size === 0) return chunks;
  for await (const chunk of content) chunks.push(chunk);
  return chunks;
}
