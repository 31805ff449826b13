import { join } from "node:path";
import { type Digest, digestOf, isDigest } from "../base/digest.js";
import { memoryFilePath, readMemoryFile, writeMemoryFile } from "../base/memory-file.js";
import type { Op } from "../base/op.js";
import type { Store } from "../oci/store.js";
import { INDEX_TAG } from "../spack/tag.js";
import type { WrittenIndex } from "./index-writer.js";
import type { IndexEntry } from "./merge-index.js";

/** Where in a cache folder it is remembered what indexes name: one small file for each cache. */
export function indexMemoryFolder(cacheDir: string): string {
  return join(cacheDir, "indexes");
}

/**
 * Remembers of one cache's index, by its digest, that these packages were in it, so that it need not be read to know that they still are.
 * An index of a digest never changes: what can change is which one the tag names.
 */
export class IndexMemory {
  readonly #path: string;
  readonly #entries: Digest;

  /** `location` tells the cache from all others. */
  constructor(cacheDir: string, location: string, entries: readonly IndexEntry[]) {
    this.#path = memoryFilePath(indexMemoryFolder(cacheDir), [location]);
    const lines = entries.map(({ spec, inBuildcache }) => `${spec.hash} ${inBuildcache}`);
    this.#entries = digestOf(lines.sort().join("\n"));
  }

  /** The index that the tag names, if all entries are known to be in it: then adding them would change nothing. */
  async findCurrent(store: Store, op?: Op): Promise<WrittenIndex | undefined> {
    const known = await readMemoryFile(this.#path);
    if (known?.entries !== this.#entries) return undefined;
    const { digest, packages } = known;
    if (typeof digest !== "string" || !isDigest(digest) || typeof packages !== "number") return undefined;
    return (await store.resolve(INDEX_TAG, op))?.digest === digest ? { digest, packages } : undefined;
  }

  /**
   * Remembers that the entries are in this index.
   * @throws SpkociError NO_SPACE or STORAGE_FAILED
   */
  async remember({ digest, packages }: WrittenIndex): Promise<void> {
    await writeMemoryFile(this.#path, { entries: this.#entries, digest, packages });
  }
}
