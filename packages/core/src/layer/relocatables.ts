import type { FileEntry, SymlinkEntry } from "./entries.js";
import { type FileKind, KindDetector } from "./file-kind.js";
import { NeedleSearch, prepareNeedles } from "./needle-search.js";

/** What Spack has to rewrite when it installs the layer elsewhere: paths in the prefix, in the order of the tar. */
export interface Relocatables {
  /** ELF and Mach-O files. */
  readonly binaries: readonly string[];
  /** Text files that name one of the needles. */
  readonly textFiles: readonly string[];
  /** Symbolic links whose absolute target begins with one of the needles. */
  readonly links: readonly string[];
  /** Where the needles begin in these binaries and text files, in bytes and ascending, by path. Files with too many, and those after OFFSETS_IN_ALL, are left out. */
  readonly offsets: ReadonlyMap<string, readonly number[]>;
}

/** Places that are remembered of one package. */
const OFFSETS_IN_ALL = 16_384;

/** Takes a file's bytes while they go by. */
export interface FileScan {
  update(chunk: Buffer): void;
  /** Puts the file into its list. Call it at the end of the file. */
  finish(): void;
}

/**
 * Sorts the entries of a layer into those lists. Nothing under `.spack/` is listed, and a hard link is not listed again.
 */
export class RelocatableScan {
  readonly #needles: readonly Buffer[];
  readonly #paths: readonly string[];
  readonly #found = {
    binaries: [] as string[],
    textFiles: [] as string[],
    links: [] as string[],
    offsets: new Map<string, readonly number[]>(),
  };

  #offsets = 0;

  /** @param needles absolute paths: the prefixes that Spack maps, the sbang script and the store's root */
  constructor(needles: readonly string[]) {
    this.#needles = prepareNeedles(needles);
    this.#paths = this.#needles.map((needle) => needle.toString());
  }

  get found(): Relocatables {
    return this.#found;
  }

  addLink({ path, target }: SymlinkEntry): void {
    if (!isMetadata(path) && this.#paths.some((needle) => target.startsWith(needle))) this.#found.links.push(path);
  }

  /** undefined if the file's content doesn't matter. */
  scanFile({ path }: FileEntry): FileScan | undefined {
    if (isMetadata(path)) return undefined;
    const kind = new KindDetector();
    const search = new NeedleSearch(this.#needles);
    return {
      update: (chunk) => {
        kind.update(chunk);
        if (kind.open || kind.isBinary) search.update(chunk);
      },
      finish: () => {
        const list = this.#listFor(kind.finish(), search.found);
        list?.push(path);
        if (list) this.#addOffsets(path, search.offsets);
      },
    };
  }

  #addOffsets(path: string, offsets: readonly number[] | undefined): void {
    if (offsets === undefined || this.#offsets + offsets.length > OFFSETS_IN_ALL) return;
    this.#offsets += offsets.length;
    this.#found.offsets.set(path, offsets);
  }

  #listFor(kind: FileKind, namesNeedle: boolean): string[] | undefined {
    if (kind === "binary") return this.#found.binaries;
    return kind === "text" && namesNeedle ? this.#found.textFiles : undefined;
  }
}

function isMetadata(path: string): boolean {
  return path.startsWith(".spack/");
}
