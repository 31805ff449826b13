import { posix } from "node:path";
import type { BuildInfo } from "../spack/build-info.js";

/** An old path and the one that takes its place. */
export interface Mapping {
  readonly oldPath: Buffer;
  readonly newPath: Buffer;
}

/** A place where an old path stands. */
export interface MappedPlace extends Mapping {
  readonly at: number;
}

/**
 * Old paths to new ones. Where several of them match at one place, the longest does. A pair that changes nothing is kept only while
 * a shorter old path would otherwise match in its place.
 */
export class PrefixMap {
  /** Longest old path first. */
  readonly mappings: readonly Mapping[];
  /** Old paths that begin every other one: what has to be searched for. */
  readonly needles: readonly Buffer[];

  /** @param pairs old and new paths; of pairs with the same old path the first one counts. */
  constructor(pairs: Iterable<readonly [oldPath: string, newPath: string]>) {
    const unique = new Map<string, string>();
    for (const [oldPath, newPath] of pairs) {
      if (isPrefix(oldPath) && !unique.has(oldPath)) unique.set(oldPath, newPath);
    }
    const kept: Mapping[] = [];
    const needles: Buffer[] = [];
    let shortest: string | undefined;
    // Paths that begin with a shorter one come right behind it.
    for (const [oldPath, newPath] of [...unique].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const isCovered = shortest !== undefined && oldPath.startsWith(shortest);
      if (!isCovered && oldPath === newPath) continue;
      const mapping = { oldPath: Buffer.from(oldPath), newPath: Buffer.from(newPath) };
      kept.push(mapping);
      if (isCovered) continue;
      shortest = oldPath;
      needles.push(mapping.oldPath);
    }
    this.mappings = kept.sort((a, b) => b.oldPath.length - a.oldPath.length);
    this.needles = needles;
  }

  get isEmpty(): boolean {
    return this.mappings.length === 0;
  }

  /** Length of the longest old path, 0 without any. */
  get longest(): number {
    return this.mappings[0]?.oldPath.length ?? 0;
  }

  /** The mapping whose old path stands at a place. */
  at(bytes: Buffer, offset: number): Mapping | undefined {
    return this.mappings.find(({ oldPath }) => startsWith(bytes, oldPath, offset));
  }

  /** `path` with the old path at its start replaced; undefined if none is there or nothing changes. */
  replaceStart(path: Buffer): Buffer | undefined {
    const found = this.at(path, 0);
    if (found === undefined || found.oldPath.equals(found.newPath)) return undefined;
    return Buffer.concat([found.newPath, path.subarray(found.oldPath.length)]);
  }

  /**
   * Finds the places of old paths in `bytes` one after the other.
   * @param places where they stand, ascending, if that is known: every place, and perhaps others; `bytes` are not searched then
   */
  search(bytes: Buffer, places?: readonly number[]): PrefixSearch {
    return places === undefined ? new ByteSearch(this, bytes) : new PlaceSearch(this, bytes, places);
  }
}

export interface PrefixSearch {
  /** The first place at `from` or behind it; `from` must not go back. */
  next(from: number): MappedPlace | undefined;
}

/** A search that goes forward only, so that no byte is searched twice for the same path. */
class ByteSearch implements PrefixSearch {
  readonly #map: PrefixMap;
  readonly #bytes: Buffer;
  readonly #needles: readonly { readonly needle: Buffer; next: number }[];

  constructor(map: PrefixMap, bytes: Buffer) {
    this.#map = map;
    this.#bytes = bytes;
    this.#needles = map.needles.map((needle) => ({ needle, next: -2 }));
  }

  next(from: number): MappedPlace | undefined {
    let at = Number.POSITIVE_INFINITY;
    for (const one of this.#needles) {
      if (one.next !== -1 && one.next < from) one.next = this.#bytes.indexOf(one.needle, from);
      if (one.next >= 0) at = Math.min(at, one.next);
    }
    if (at === Number.POSITIVE_INFINITY) return undefined;
    const found = this.#map.at(this.#bytes, at);
    return found && { ...found, at };
  }
}

/** A look at places that are known. */
class PlaceSearch implements PrefixSearch {
  readonly #map: PrefixMap;
  readonly #bytes: Buffer;
  readonly #places: readonly number[];
  #seen = 0;

  constructor(map: PrefixMap, bytes: Buffer, places: readonly number[]) {
    this.#map = map;
    this.#bytes = bytes;
    this.#places = places;
  }

  next(from: number): MappedPlace | undefined {
    for (; this.#seen < this.#places.length; this.#seen += 1) {
      const at = this.#places[this.#seen] ?? 0;
      const found = at < from ? undefined : this.#map.at(this.#bytes, at);
      if (found !== undefined) return { ...found, at };
    }
    return undefined;
  }
}

/** What a package is relocated to. */
export interface RelocationTarget {
  /** Root of the new store. */
  readonly root: string;
  /** The package's own new prefix. */
  readonly prefix: string;
  /** DAG hash, as the build info has it, to new prefix. Packages that are missing here are taken to lie at their old place under the new root. */
  readonly prefixes: ReadonlyMap<string, string>;
  /** Where the new store has its sbang script. */
  readonly sbang: string;
}

/** Which old paths become which new ones (format page, section 6). */
export interface PrefixMaps {
  /** For text files: the sbang script too. */
  readonly text: PrefixMap;
  /** For binaries and links. */
  readonly binary: PrefixMap;
}

export function planPrefixMaps(
  info: Pick<BuildInfo, "buildpath" | "hashToPrefix" | "relativePrefix" | "sbangInstallPath">,
  target: RelocationTarget,
): PrefixMaps {
  const pairs: [string, string][] = [[posix.join(info.buildpath, info.relativePrefix), target.prefix]];
  for (const [hash, oldPrefix] of info.hashToPrefix) {
    const newPrefix = target.prefixes.get(hash);
    if (newPrefix !== undefined) pairs.push([oldPrefix, newPrefix]);
  }
  pairs.push([info.buildpath, target.root]);
  const sbang: [string, string][] = info.sbangInstallPath === undefined ? [] : [[info.sbangInstallPath, target.sbang]];
  return { text: new PrefixMap([...sbang, ...pairs]), binary: new PrefixMap(pairs) };
}

/** Build info is not trusted: `/` or a relative path would match nearly everything. */
function isPrefix(path: string): boolean {
  return path.startsWith("/") && !/^\/+$/.test(path) && !path.includes("\0");
}

function startsWith(bytes: Buffer, needle: Buffer, offset: number): boolean {
  const end = offset + needle.length;
  return end <= bytes.length && bytes.compare(needle, 0, needle.length, offset, end) === 0;
}
