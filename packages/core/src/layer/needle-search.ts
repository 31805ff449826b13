/**
 * Finds out whether a stream of bytes names one of several paths, the way Spack's text relocation looks for them: the
 * path may follow anything but another path. `-I/opt/x` names `/opt/x`; `/mnt/opt/x` and `/mnt-2/opt/x` don't. What follows
 * it does not matter. And where they stand, whatever they follow.
 */
export class NeedleSearch {
  readonly #needles: readonly Buffer[];
  /** Bytes of the end of a chunk in which a needle may have begun. */
  readonly #overlap: number;
  #rest: Buffer = Buffer.alloc(0);
  #restFollowsPath = false;
  /** Bytes of the stream before `#rest`. */
  #position = 0;
  #found = false;
  #offsets: number[] | undefined = [];

  /** `needles` as `prepareNeedles` returns them. */
  constructor(needles: readonly Buffer[]) {
    this.#needles = needles;
    this.#overlap = Math.max(0, ...needles.map((needle) => needle.length - 1));
  }

  get found(): boolean {
    return this.#found;
  }

  /** Where each needle begins, in bytes and ascending; undefined if there are more than OFFSETS_LIMIT. */
  get offsets(): readonly number[] | undefined {
    return this.#offsets?.sort((a, b) => a - b);
  }

  update(chunk: Buffer): void {
    if (this.#found && this.#offsets === undefined) return;
    if (this.#rest.length === 0) {
      this.#read(chunk);
      return;
    }
    // Only the seam is copied. What it leaves as the rest is what the chunk begins with.
    this.#read(Buffer.concat([this.#rest, chunk.subarray(0, this.#overlap)]));
    if (chunk.length > this.#overlap) this.#read(chunk);
  }

  /** `window` begins with the rest. */
  #read(window: Buffer): void {
    for (const needle of this.#needles) this.#look(window, needle);
    const restAt = Math.max(0, window.length - this.#overlap);
    this.#restFollowsPath = followsPath(window, restAt, this.#restFollowsPath);
    this.#position += restAt;
    // A copy: the chunk's memory is used again.
    this.#rest = Buffer.from(window.subarray(restAt));
  }

  #look(window: Buffer, needle: Buffer): void {
    // One that ends before is known from the chunk before.
    const from = Math.max(0, this.#rest.length - needle.length + 1);
    for (let at = window.indexOf(needle, from); at >= 0; at = window.indexOf(needle, at + 1)) {
      this.#found ||= !followsPath(window, at, this.#restFollowsPath);
      if ((this.#offsets?.push(this.#position + at) ?? 0) > OFFSETS_LIMIT) this.#offsets = undefined;
      if (this.#found && this.#offsets === undefined) return;
    }
  }
}

/** Places in one file that are remembered. */
const OFFSETS_LIMIT = 1000;

/** The bytes to look for. A path that begins with another one of them is left out, as that one is found wherever it is. */
export function prepareNeedles(paths: readonly string[]): Buffer[] {
  const unique = [...new Set(paths)].filter((path) => path.startsWith("/"));
  return unique
    .filter((path) => !unique.some((other) => other !== path && path.startsWith(other)))
    .map((path) => Buffer.from(path));
}

const SLASH = 0x2f;

/** Whether the letters, digits, `_` and `-` before `end`, perhaps none, have a slash before them; `before` is the answer at 0. */
function followsPath(bytes: Buffer, end: number, before: boolean): boolean {
  for (let i = end - 1; i >= 0; i -= 1) {
    const byte = bytes[i] ?? 0;
    if (!isWord(byte)) return byte === SLASH;
  }
  return before;
}

function isWord(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x5f ||
    byte === 0x2d
  );
}
