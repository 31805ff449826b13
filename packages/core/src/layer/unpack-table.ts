import { BUILD_INFO_PATH } from "./entries.js";
import { parseLast, parseName } from "./unpack-name.js";
import { Refusal } from "./unpack-refusal.js";
import type { UnpackedFile } from "./unpacked-files.js";

/** A directory that the archive made, by an entry of its own or as a parent of another. */
export interface FolderNode {
  readonly type: "folder";
  readonly children: Map<string, TableNode>;
  /** As the archive says; undefined as long as no entry of its own came. */
  mode: number | undefined;
}

/** A regular file under one of its names. */
export interface FileNode {
  readonly type: "file";
  /** Bytes. */
  readonly size: number;
  /** What is known of its content, where files are looked at. */
  readonly seen: UnpackedFile | undefined;
}

/** A symbolic link. */
export interface LinkNode {
  readonly type: "link";
}

export type TableNode = FolderNode | FileNode | LinkNode;

/** Where a new entry goes. */
export interface Place {
  readonly folder: FolderNode;
  /** The entry's last component. */
  readonly name: string;
}

const [METADATA = "", BUILD_INFO = ""] = BUILD_INFO_PATH.split("/");

/**
 * What an archive has made so far. It alone says what may be written where: a path leads only through directories of the archive's
 * own, and every name is used once.
 */
export class EntryTable {
  readonly root: FolderNode;
  readonly #maxNodes: number;
  readonly #makeFolder: (path: string) => void;
  /** The folder of the last file or link, and the name that leads to it: the root, under which no name counts, as long as there is none. */
  #last: { readonly path: string; readonly folder: FolderNode };
  #nodes = 0;

  /** @param makeFolder is called once for every directory, after its parent */
  constructor(maxNodes: number, makeFolder: (path: string) => void) {
    this.#maxNodes = maxNodes;
    this.#makeFolder = makeFolder;
    this.root = { type: "folder", children: new Map(), mode: undefined };
    this.#last = { path: "", folder: this.root };
  }

  /**
   * The directory of that name, made with its parents where it is new, for an entry with `depth` components.
   * @throws Refusal if one of them is something else, or there are too many entries
   */
  folderAt(parts: readonly string[], entry: string, depth: number = parts.length): FolderNode {
    let folder = this.root;
    for (const [i, part] of parts.entries()) {
      const found = folder.children.get(part);
      if (found === undefined) {
        const child: FolderNode = { type: "folder", children: new Map(), mode: undefined };
        this.add({ folder, name: part }, child, entry);
        this.#makeFolder(parts.slice(0, i + 1).join("/"));
        folder = child;
      } else if (found.type === "folder") {
        folder = found;
      } else {
        throw Refusal.at(entry, `${i + 1 < depth ? "it lies below" : "its name is taken by"} ${NOUNS[found.type]}`);
      }
    }
    return folder;
  }

  /**
   * Where a new file or link of that name goes; its parents are made where they are new.
   * @throws Refusal as `parseName` and `folderAt`, and if the name is taken
   */
  placeFor(entry: string): Place {
    const above = entry.lastIndexOf("/");
    const place = this.#placeInLast(entry, above) ?? this.#placeAnywhere(entry, above);
    const found = place.folder.children.get(place.name);
    if (found) throw Refusal.at(entry, `its name is taken by ${NOUNS[found.type]}`);
    return place;
  }

  /** In the folder of the name that came before, as most are. */
  #placeInLast(entry: string, above: number): Place | undefined {
    const { path, folder } = this.#last;
    if (above < 1 || above !== path.length || !entry.startsWith(path)) return undefined;
    return { folder, name: parseLast(entry, above + 1) };
  }

  #placeAnywhere(entry: string, above: number): Place {
    const parts = parseName(entry, false);
    const folder = this.folderAt(parts.slice(0, -1), entry, parts.length);
    if (above > 0) this.#last = { path: entry.slice(0, above), folder };
    return { folder, name: parts.at(-1) ?? "" };
  }

  /** @throws Refusal if there are too many entries */
  add({ folder, name }: Place, node: TableNode, entry: string): void {
    this.#nodes += 1;
    if (this.#nodes > this.#maxNodes) throw Refusal.at(entry, `it is one of more than ${this.#maxNodes} entries`);
    folder.children.set(name, node);
  }

  /** What has that name, or undefined. */
  find(parts: readonly string[]): TableNode | undefined {
    let node: TableNode | undefined = this.root;
    for (const part of parts) node = node?.type === "folder" ? node.children.get(part) : undefined;
    return node;
  }

  /**
   * The install prefix: the outermost directory with `.spack/binary_distribution`, which everything else must be inside of or a
   * parent of (format page, section 6).
   * @throws Refusal if there is none
   */
  findPrefix(): { readonly parts: readonly string[]; readonly folder: FolderNode; readonly buildInfo: FileNode } {
    const parts: string[] = [];
    for (let folder = this.root; ; ) {
      const [first, second] = folder.children;
      const buildInfo = parts.length > 0 ? buildInfoOf(folder) : undefined;
      if (buildInfo) return { parts, folder, buildInfo };
      if (first?.[1].type !== "folder" || second) throw this.#strayOf(folder, parts);
      parts.push(first[0]);
      folder = first[1];
    }
  }

  /** Why there is no prefix in `folder`, to which only one path leads. */
  #strayOf({ children }: FolderNode, parts: readonly string[]): Refusal {
    const withPackage = [...children].find(([, child]) => child.type === "folder" && holdsPackage(child));
    if (!withPackage) return Refusal.of(`it has no ${BUILD_INFO_PATH}, so it is no Spack package`);
    const stray = [...children.keys()].find((name) => name !== withPackage[0]) ?? "";
    return Refusal.at([...parts, stray].join("/"), "it lies outside of the install prefix");
  }
}

const NOUNS = { folder: "a directory", file: "a file", link: "a symbolic link" } as const;

function buildInfoOf({ children }: FolderNode): FileNode | undefined {
  const metadata = children.get(METADATA);
  const found = metadata?.type === "folder" ? metadata.children.get(BUILD_INFO) : undefined;
  return found?.type === "file" ? found : undefined;
}

/** Whether there is a package in a folder. Folders are nested only as deep as names can be. */
function holdsPackage(folder: FolderNode): boolean {
  if (buildInfoOf(folder)) return true;
  return [...folder.children.values()].some((child) => child.type === "folder" && holdsPackage(child));
}
