import type { TarEntry } from "./extract-entries.js";
import { type FileAttributes, type UnpackSink, writeWhole } from "./unpack-disk.js";
import type { UnpackLimits } from "./unpack-limits.js";
import { checkTarget, parseName } from "./unpack-name.js";
import { Refusal } from "./unpack-refusal.js";
import { EntryTable, type FolderNode } from "./unpack-table.js";
import type { FileLook, UnpackedFile } from "./unpacked-files.js";

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

/** Files up to this size, in bytes, are in memory as a whole. */
const WHOLE_LIMIT = 2 * 1024 * 1024;

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
  readonly #look: FileLook | undefined;

  /** @param look looks at each file's content, and may keep it from being written yet */
  constructor(
    sink: UnpackSink,
    { maxBytes, maxEntries }: UnpackLimits,
    { onFile, look }: { readonly onFile?: OnFile | undefined; readonly look?: FileLook | undefined } = {},
  ) {
    this.#sink = sink;
    this.#maxBytes = maxBytes;
    this.#onFile = onFile;
    this.#look = look;
    this.table = new EntryTable(maxEntries, (path) => sink.makeFolder(path));
  }

  /**
   * Unpacks an entry. Its content has been read when this returns.
   * @throws Refusal, and what the sink fails with
   */
  async add(entry: TarEntry): Promise<void> {
    this.last = entry.name;
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
    const attributes = { mode: mode | OWNER_WRITES, mtime };
    const isSmall = size <= WHOLE_LIMIT;
    const seen = isSmall ? await this.#addWhole(entry, attributes) : await this.#addLarge(entry, attributes);
    this.table.add(place, { type: "file", size, seen }, name);
    this.files += 1;
    this.bytes += size;
    if ((mode & OWNER_WRITES) === 0) this.readOnlyFiles.push({ path: name, mode });
    this.#onFile?.({ name, size });
  }

  async #addWhole(entry: TarEntry, attributes: FileAttributes): Promise<UnpackedFile | undefined> {
    const content = await contentOf(entry);
    const seen = this.#look?.whole(entry.name, attributes, content);
    if (seen?.held === undefined) writeWhole(this.#sink, entry.name, attributes, content);
    return seen;
  }

  async #addLarge({ name, content }: TarEntry, attributes: FileAttributes): Promise<UnpackedFile | undefined> {
    const look = this.#look?.begin(name, attributes);
    const file = this.#sink.openFile(name, attributes);
    try {
      for await (const chunk of content) {
        file.write(chunk);
        look?.update(chunk);
      }
    } finally {
      file.close();
    }
    return look?.finish();
  }

  #addSymlink({ name, target }: TarEntry): void {
    const place = this.table.placeFor(parseName(name, false), name);
    checkTarget(target, name);
    this.table.add(place, { type: "link" }, name);
    this.symlinks += 1;
    this.#sink.makeSymlink(name, target);
  }

  #addHardlink({ name, target }: TarEntry): void {
    const place = this.table.placeFor(parseName(name, false), name);
    const found = this.table.find(target.split("/"));
    if (found?.type !== "file") throw Refusal.at(name, "it is a hard link to what is no earlier file of the archive");
    if (found.seen?.held === undefined) this.#sink.makeHardlink(name, target);
    if (found.seen !== undefined) this.#look?.link(name, target, found.seen);
    this.table.add(place, found, name);
    this.hardlinks.push({ path: name, target });
  }

  /**
   * Gives the directories below `folder`, and itself, their permissions.
   * @returns how many there are, and those that are to be read-only, each after all that is in it
   */
  finishFolders(folder: FolderNode, path: string): { count: number; readOnly: ReadOnlyEntry[] } {
    const readOnly: ReadOnlyEntry[] = [];
    let count = 1;
    for (const [name, child] of folder.children) {
      if (child.type !== "folder") continue;
      const below = this.finishFolders(child, `${path}/${name}`);
      for (const entry of below.readOnly) readOnly.push(entry);
      count += below.count;
    }
    const mode = folder.mode ?? PERMISSIONS;
    if ((mode & OWNER_WRITES) === 0) readOnly.push({ path, mode });
    this.#sink.setFolderMode(path, mode | OWNER_WRITES);
    return { count, readOnly };
  }
}

function permissionsOf({ mode }: TarEntry): number {
  return (mode ?? 0) & PERMISSIONS;
}

/** The content of a small file. */
async function contentOf({ content, size }: TarEntry): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (size > 0) for await (const chunk of content) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}
