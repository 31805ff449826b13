import type { BuildInfo } from "../spack/build-info.js";
import { relocationNeedles } from "../spack/relocation-needles.js";
import type { ByteSource, Edit } from "./byte-source.js";
import type { PrefixMap } from "./prefix-map.js";

/**
 * Where the paths of a package's build info stand in its files, as whoever pushed it has found. Such a record is not trusted: it is of
 * use for a file only if one of the paths stands at each of its offsets. What it leaves out stays as it is: it comes with the package,
 * whose files may hold as well what they like.
 */
export class RecordedPlaces {
  readonly #needles: readonly Buffer[];
  readonly #offsets: ReadonlyMap<string, readonly number[]>;

  /** @param offsets ascending, by paths in the prefix */
  constructor(
    info: Pick<BuildInfo, "buildpath" | "hashToPrefix" | "sbangInstallPath">,
    offsets: ReadonlyMap<string, readonly number[]>,
  ) {
    // What a push doesn't look for says nothing of what does not stand somewhere.
    const paths = relocationNeedles(info).filter((path) => path.startsWith("/"));
    this.#needles = paths.map((path) => Buffer.from(path));
    this.#offsets = offsets;
  }

  /** Every place at which an old path of the map stands, and perhaps others; undefined if the file has to be searched for them. */
  in(source: ByteSource, map: PrefixMap): readonly number[] | undefined {
    const offsets = this.#offsets.get(source.name);
    const isLookedFor = map.needles.every((path) => this.#needles.some((needle) => isAt(path, 0, needle)));
    if (offsets === undefined || !isLookedFor) return undefined;
    return offsets.every((offset) => this.#isRight(source, offset)) ? offsets : undefined;
  }

  #isRight(source: ByteSource, offset: number): boolean {
    return this.#needles.some(
      ({ length }, i) => offset + length <= source.size && this.#needles[i]?.equals(source.read(offset, length)),
    );
  }
}

/**
 * Every place at which an old path stands in an edited file, and perhaps others; ascending.
 * @param source the file after the edits
 * @param places those before the edits
 */
export function placesAfter(
  edits: readonly Edit[],
  source: ByteSource,
  map: PrefixMap,
  places: readonly number[],
): readonly number[] {
  const around = map.longest - 1;
  const all = new Set(places);
  for (const { offset, bytes } of edits) {
    const from = Math.max(0, offset - around);
    const window = source.read(from, Math.min(source.size, offset + bytes.length + around) - from);
    const search = map.search(window);
    for (let found = search.next(0); found; found = search.next(found.at + 1)) all.add(from + found.at);
  }
  return [...all].sort((a, b) => a - b);
}

function isAt(bytes: Buffer, offset: number, path: Buffer): boolean {
  return bytes.subarray(offset, offset + path.length).equals(path);
}
