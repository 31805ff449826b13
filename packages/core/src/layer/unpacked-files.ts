import { createHash, hash as hashOnce } from "node:crypto";
import { withoutPadding } from "../spack/padding.js";
import type { KnownContent } from "../spack/write-install-manifest.js";
import { PathSearch } from "./path-search.js";
import type { FileAttributes, UnpackSink } from "./unpack-disk.js";

/** Looks at the content of files while they are unpacked. */
export interface FileLook {
  /** A file as a whole, whose memory is used again. It is not to be written yet if it is `held`. */
  whole(name: string, attributes: FileAttributes, content: Buffer): UnpackedFile;
  /** A file that is written while it comes. */
  begin(name: string, attributes: FileAttributes): { update(chunk: Buffer): void; finish(): UnpackedFile };
  /** Another name of a file that came before; it is not to be made yet if the file is held. */
  link(name: string, target: string, file: UnpackedFile): void;
}

/** Whether old paths stand in a file's bytes. */
interface Mentions {
  /** The old store's root, without padding. */
  readonly store: boolean;
  /** The old root as a whole. */
  readonly root: boolean;
}

/** A regular file of a package; one object for all its names. */
export class UnpackedFile {
  /** Its first name in the archive. */
  readonly name: string;
  readonly mode: number;
  /** undefined if it is not known what to look for. */
  readonly mentions: Mentions | undefined;
  readonly #mtime: number | undefined;
  #sha1: string | undefined;
  #held: Buffer | undefined;
  #wasChanged = false;

  constructor(
    name: string,
    { mode, mtime }: FileAttributes,
    seen: { readonly sha1: string; readonly mentions: Mentions | undefined; readonly held?: Buffer | undefined },
  ) {
    this.name = name;
    this.mode = mode;
    this.#mtime = mtime;
    this.mentions = seen.mentions;
    this.#sha1 = seen.sha1;
    this.#held = seen.held;
  }

  /** What is known of its content for a manifest; undefined if that was changed on disk. */
  get content(): KnownContent | undefined {
    if (this.#sha1 === undefined) return undefined;
    return { sha1: this.#sha1, mtime: this.#wasChanged ? undefined : this.#mtime };
  }

  /** Its content, as long as it is not written. */
  get held(): Buffer | undefined {
    return this.#held;
  }

  /** Whether its content is another than in the archive. */
  get wasChanged(): boolean {
    return this.#wasChanged;
  }

  /** Writes the file, if it is held, under the path: with `changed` content, of now, or as it came. */
  writeHeld(sink: UnpackSink, path: string, changed?: Buffer): void {
    const content = changed ?? this.#held;
    if (this.#held === undefined || content === undefined) return;
    this.#held = undefined;
    sink.writeFile(path, { mode: this.mode, mtime: changed ? undefined : this.#mtime }, content);
    if (changed === undefined) return;
    this.#sha1 = sha1Of(changed);
    this.#wasChanged = true;
  }

  /** Says that it was changed on disk. */
  setChanged(): void {
    this.#sha1 = undefined;
    this.#wasChanged = true;
  }
}

/** Bytes of one package that wait in memory until its build info has come. */
const HOLD_LIMIT = 16 * 1024 * 1024;

/** First bytes of ELF and of Mach-O: in 32 and 64 bits, either byte order, and for several architectures. */
const BINARY_MAGICS: ReadonlySet<number> = new Set([
  0x7f454c46, 0xcffaedfe, 0xfeedfacf, 0xcefaedfe, 0xfeedface, 0xcafebabe, 0xbebafeca,
]);

/**
 * What is known of a package's files from unpacking them, so that none has to be read again. The build info, which says what is to be
 * relocated, is the archive's last entry. Files that name the old store, and may be relocated, are held in memory up to then; all
 * others are written as they are to stay.
 */
export class UnpackedFiles implements FileLook {
  readonly #relativePrefix: string;
  readonly #byName = new Map<string, UnpackedFile>();
  /** Names of held files that are still to be made. */
  readonly #links: { readonly name: string; readonly target: string }[] = [];
  #roots: { readonly store: Buffer; readonly root: Buffer } | undefined;
  #hasBegun = false;
  #heldBytes = 0;

  /** @param relativePrefix where the prefix is supposed to lie in its store: the old root is known by it */
  constructor(relativePrefix: string) {
    this.#relativePrefix = relativePrefix;
  }

  whole(name: string, attributes: FileAttributes, content: Buffer): UnpackedFile {
    const roots = this.#rootsBy(name);
    const mentions = roots && mentionsIn(content, roots);
    const isHeld = mentions?.store && this.#heldBytes + content.length <= HOLD_LIMIT && mayBeRelocated(name, content);
    if (isHeld) this.#heldBytes += content.length;
    // A copy, because what the archive came in would stay in memory with a part of it.
    const held = isHeld ? Buffer.from(content) : undefined;
    return this.#add(new UnpackedFile(name, attributes, { sha1: sha1Of(content), mentions, held }));
  }

  begin(name: string, attributes: FileAttributes): { update(chunk: Buffer): void; finish(): UnpackedFile } {
    const roots = this.#rootsBy(name);
    const hash = createHash("sha1");
    const search = roots && new PathSearch([roots.store, roots.root]);
    return {
      update: (chunk) => {
        hash.update(chunk);
        search?.update(chunk);
      },
      finish: () => {
        const [store = false, root = false] = search?.found ?? [];
        const mentions = search && { store, root };
        return this.#add(new UnpackedFile(name, attributes, { sha1: hash.digest("hex"), mentions }));
      },
    };
  }

  link(name: string, target: string, file: UnpackedFile): void {
    this.#byName.set(name, file);
    if (file.held !== undefined) this.#links.push({ name, target });
  }

  /**
   * To be called when all is unpacked.
   * @param prefix what the names in the archive have before the paths in the prefix
   * @param sink takes these paths
   */
  inPrefix(prefix: string, sink: UnpackSink): PrefixFiles {
    const pathOf = (name: string): string => name.slice(prefix.length + 1);
    const byPath = new Map([...this.#byName].map(([name, file]) => [pathOf(name), file]));
    const links = this.#links.map(({ name, target }) => ({ path: pathOf(name), target: pathOf(target) }));
    return new PrefixFiles(this.#roots?.root.toString(), byPath, { pathOf, links, sink });
  }

  #add(file: UnpackedFile): UnpackedFile {
    this.#byName.set(file.name, file);
    return file;
  }

  /** The root, as the first file's name shows it. */
  #rootsBy(name: string): { readonly store: Buffer; readonly root: Buffer } | undefined {
    if (this.#hasBegun) return this.#roots;
    this.#hasBegun = true;
    const end = name.indexOf(`/${this.#relativePrefix}/`);
    if (end <= 0) return undefined;
    const root = `/${name.slice(0, end)}`;
    const store = withoutPadding(root);
    if (store !== "") this.#roots = { store: Buffer.from(store), root: Buffer.from(root) };
    return this.#roots;
  }
}

/** The regular files of an unpacked prefix, by their paths in it: what is known of them, and writing those that are held. */
export class PrefixFiles {
  /** The root that `mentions` tells of; undefined if the names in the archive show none. */
  readonly root: string | undefined;
  readonly byPath: ReadonlyMap<string, UnpackedFile>;
  readonly #unwritten: Unwritten;

  constructor(root: string | undefined, byPath: ReadonlyMap<string, UnpackedFile>, unwritten: Unwritten) {
    this.root = root;
    this.byPath = byPath;
    this.#unwritten = unwritten;
  }

  /**
   * Writes a held file with other content than it came with.
   * @param path any of its names
   * @returns the one under which it is written
   */
  writeChanged(path: string, content: Buffer): string {
    const file = this.byPath.get(path);
    const { sink, pathOf } = this.#unwritten;
    const first = file === undefined ? path : pathOf(file.name);
    file?.writeHeld(sink, first, content);
    return first;
  }

  /** Writes what is still held, as it came, and makes the other names of held files. To be called once, at the end. */
  writeRest(): void {
    const { sink, pathOf, links } = this.#unwritten;
    for (const file of this.byPath.values()) file.writeHeld(sink, pathOf(file.name));
    for (const { path, target } of links) sink.makeHardlink(path, target);
  }
}

/** Where held files go. */
interface Unwritten {
  readonly sink: UnpackSink;
  /** The path in the prefix of a name in the archive. */
  readonly pathOf: (name: string) => string;
  /** Other names of held files. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

function mentionsIn(content: Buffer, { store, root }: { readonly store: Buffer; readonly root: Buffer }): Mentions {
  const hasStore = content.includes(store);
  return { store: hasStore, root: hasStore && (store.length === root.length || content.includes(root)) };
}

/** Whether build info may list such a file: it lists text and binaries, and none of Spack's own records. A wrong answer does no harm. */
function mayBeRelocated(name: string, content: Buffer): boolean {
  if (name.includes("/.spack/") || content.length < 4) return false;
  return BINARY_MAGICS.has(content.readUInt32BE(0)) || !content.includes(0);
}

function sha1Of(content: Buffer): string {
  return hashOnce("sha1", content, "hex");
}
