import type { FileEntry, SymlinkEntry } from "./entries.js";
import { KindDetector } from "./file-kind.js";
import { NeedleSearch, prepareNeedles } from "./needle-search.js";

/** What Spack has to rewrite when it installs the layer elsewhere: paths in the prefix, in the order of the tar. */
export interface Relocatables {
  /** ELF and Mach-O files. */
  readonly binaries: readonly string[];
  /** Text files that name one of the needles. */
  readonly textFiles: readonly string[];
  /** Symbolic links whose absolute target begins with one of the needles. */
  readonly links: readonly string[];
}

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
  readonly #found = { binaries: [] as string[], textFiles: [] as string[], links: [] as string[] };

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
        if (kind.open) search.update(chunk);
      },
      finish: () => {
        const is = kind.finish();
        if (is === "binary") this.#found.binaries.push(path);
        else if (is === "text" && search.found) this.#found.textFiles.push(path);
      },
    };
  }
}

function isMetadata(path: string): boolean {
  return path.startsWith(".spack/");
}
