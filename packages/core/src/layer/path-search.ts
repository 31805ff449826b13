/** Finds out which of some paths stand anywhere in the bytes of a file, which come in chunks. */
export class PathSearch {
  readonly #paths: readonly Buffer[];
  readonly #found: boolean[];
  /** Bytes of the end of a chunk in which a path may have begun. */
  readonly #overlap: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(paths: readonly Buffer[]) {
    this.#paths = paths;
    this.#found = paths.map(() => false);
    this.#overlap = Math.max(0, ...paths.map((path) => path.length - 1));
  }

  /** For each path whether it stands in what came so far. */
  get found(): readonly boolean[] {
    return this.#found;
  }

  update(chunk: Buffer): void {
    const seam = Buffer.concat([this.#rest, chunk.subarray(0, this.#overlap)]);
    for (const [i, path] of this.#paths.entries()) {
      this.#found[i] ||= seam.includes(path) || chunk.includes(path);
    }
    const end = chunk.length >= this.#overlap ? chunk : seam;
    this.#rest = Buffer.from(end.subarray(Math.max(0, end.length - this.#overlap)));
  }
}
