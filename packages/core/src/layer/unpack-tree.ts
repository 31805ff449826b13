import type { EntryTaker, TarEntry } from "./tar-reader.js";
import type { FileAttributes, UnpackSink } from "./unpack-disk.js";
import type { UnpackLimits } from "./unpack-limits.js";
import { checkTarget, parseName } from "./unpack-name.js";
import { Refusal } from "./unpack-refusal.js";
import { EntryTable, type FolderNode, type Place } from "./unpack-table.js";
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

const NOTHING = Buffer.alloc(0);

/** Called for every regular file once its content has been read; `name` is the one in the archive, and is a plain relative path. */
export type OnFile = (file: { readonly name: string; readonly size: number }) => void;

interface NewFile {
  readonly name: string;
  readonly size: number;
  readonly mode: number;
}

/** Takes what is known of a file that has come whole. */
type Finished = (seen: UnpackedFile | undefined) => void;

/** A file whose content comes. */
interface OpenFile {
  write(bytes: Buffer): void;
  /** All of it has come. */
  finish(): void;
  /** No more will come. */
  abandon(): void;
}

/**
 * Puts the entries of an archive where they go, under their whole names, and decides on each of them whether it may be there. All of
 * them can be read and written by their owner, who is this user.
 */
export class UnpackedTree implements EntryTaker {
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
  #file: OpenFile | undefined;
  /** Where small files are put together that come in pieces, one after the other. */
  #room: Buffer | undefined;

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

  /** @throws Refusal, and what the sink fails with; so do `write` and `end` */
  begin(entry: TarEntry): void {
    this.last = entry.name;
    if (entry.type === "file") this.#file = this.#beginFile(entry);
    else if (entry.size !== 0) throw Refusal.at(entry.name, "it has content, and is no file");
    else if (entry.type === "directory") this.#addFolder(entry);
    else if (entry.type === "symlink") this.#addSymlink(entry);
    else if (entry.type === "link") this.#addHardlink(entry);
    else
      throw Refusal.at(entry.name, `it is ${entry.type === null ? "of a type that is not known" : `a ${entry.type}`}`);
  }

  write(bytes: Buffer): void {
    this.#file?.write(bytes);
  }

  end(): void {
    const file = this.#file;
    this.#file = undefined;
    file?.finish();
  }

  /** Closes a file that did not come whole. */
  close(): void {
    this.#file?.abandon();
  }

  #addFolder(entry: TarEntry): void {
    const folder = this.table.folderAt(parseName(entry.name, true), entry.name);
    const mode = permissionsOf(entry) | OWNER_ENTERS;
    if (folder.mode !== undefined && folder.mode !== mode) {
      throw Refusal.at(entry.name, "it comes twice, with different permissions");
    }
    folder.mode = mode;
  }

  #beginFile(entry: TarEntry): OpenFile {
    const { name, size, mtime } = entry;
    const place = this.table.placeFor(name);
    if (this.bytes + size > this.#maxBytes)
      throw Refusal.at(name, `with it there are more than ${this.#maxBytes} bytes`);
    const mode = permissionsOf(entry) | OWNER_READS;
    const attributes = { mode: mode | OWNER_WRITES, mtime };
    const finished = (seen: UnpackedFile | undefined): void => this.#addFile(place, { name, size, mode }, seen);
    return size <= WHOLE_LIMIT
      ? this.#openSmall(entry, attributes, finished)
      : this.#openLarge(name, attributes, finished);
  }

  #addFile(place: Place, { name, size, mode }: NewFile, seen: UnpackedFile | undefined): void {
    this.table.add(place, { type: "file", size, seen }, name);
    this.files += 1;
    this.bytes += size;
    if ((mode & OWNER_WRITES) === 0) this.readOnlyFiles.push({ path: name, mode });
    this.#onFile?.({ name, size });
  }

  #openSmall({ name, size }: TarEntry, attributes: FileAttributes, finished: Finished): OpenFile {
    let content: Buffer = NOTHING;
    let length = 0;
    return {
      write: (bytes) => {
        if (bytes.length === size) content = bytes;
        else {
          this.#room ??= Buffer.allocUnsafeSlow(WHOLE_LIMIT);
          length += bytes.copy(this.#room, length);
          content = this.#room.subarray(0, length);
        }
      },
      finish: () => {
        const seen = this.#look?.whole(name, attributes, content);
        if (seen?.held === undefined) this.#sink.writeFile(name, attributes, content);
        finished(seen);
      },
      abandon: () => {},
    };
  }

  #openLarge(name: string, attributes: FileAttributes, finished: Finished): OpenFile {
    const look = this.#look?.begin(name, attributes);
    const file = this.#sink.openFile(name, attributes);
    return {
      write: (bytes) => {
        file.write(bytes);
        look?.update(bytes);
      },
      finish: () => {
        file.close();
        finished(look?.finish());
      },
      abandon: () => file.close(),
    };
  }

  #addSymlink({ name, target }: TarEntry): void {
    const place = this.table.placeFor(name);
    checkTarget(target, name);
    this.table.add(place, { type: "link" }, name);
    this.symlinks += 1;
    this.#sink.makeSymlink(name, target);
  }

  #addHardlink({ name, target }: TarEntry): void {
    const place = this.table.placeFor(name);
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
