import type { PrefixMap } from "./prefix-map.js";

/**
 * Replaces old prefixes in text by Spack's rule: they may follow anything but another path.
 * @param places where old prefixes stand, if that is known (`PrefixMap.search`)
 */
export function relocateText(bytes: Buffer, map: PrefixMap, places?: readonly number[]): Buffer | undefined {
  const replacer = new TextReplacer(map, places);
  const parts = [...replacer.update(bytes), ...replacer.finish()];
  return replacer.changed ? Buffer.concat(parts) : undefined;
}

/**
 * The same for text that comes in chunks. All prefixes are replaced in one pass, the longest that matches first, so that no new path
 * is taken for an old one.
 */
export class TextReplacer {
  readonly #map: PrefixMap;
  readonly #places: readonly number[] | undefined;
  /** Bytes of the text before `#rest`. */
  #position = 0;
  #rest: Buffer = Buffer.alloc(0);
  /** Whether the bytes before `#rest` are part of a path. */
  #followsPath = false;
  /** Whether `#rest` begins in a path that was replaced. */
  #inReplaced = false;
  #changed = false;

  /** @param places in the whole text, as for `relocateText` */
  constructor(map: PrefixMap, places?: readonly number[]) {
    this.#map = map;
    this.#places = places;
  }

  get changed(): boolean {
    return this.#changed;
  }

  /** What is finished of the text so far. */
  update(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    return this.#replace(bytes, Math.max(0, bytes.length - this.#map.longest + 1));
  }

  /** The end of the text. */
  finish(): Buffer[] {
    return this.#replace(this.#rest, this.#rest.length);
  }

  /** Replaces what begins before `limit`; the rest is kept. */
  #replace(bytes: Buffer, limit: number): Buffer[] {
    const parts: Buffer[] = [];
    const search = this.#map.search(
      bytes,
      this.#places?.map((place) => place - this.#position),
    );
    let copied = 0;
    let inReplaced = this.#inReplaced;
    let skipped = inReplaced ? endOfPath(bytes, 0) : 0;
    let from = skipped;
    for (let found = search.next(from); found !== undefined && found.at < limit; found = search.next(from)) {
      from = found.at + 1;
      if (followsPath(bytes, found.at, this.#followsPath)) continue;
      inReplaced = true;
      skipped = endOfPath(bytes, found.at + found.oldPath.length);
      from = skipped;
      if (found.oldPath.equals(found.newPath)) continue;
      parts.push(bytes.subarray(copied, found.at), found.newPath);
      copied = found.at + found.oldPath.length;
      this.#changed = true;
    }
    const end = Math.max(limit, copied);
    parts.push(bytes.subarray(copied, end));
    this.#inReplaced = inReplaced && (skipped > end || skipped === bytes.length);
    this.#followsPath = followsPath(bytes, end, this.#followsPath);
    this.#rest = bytes.subarray(end);
    this.#position += end;
    return parts;
  }
}

const SLASH = 0x2f;

/** Whether the letters, digits, `_` and `-` before `end`, perhaps none, have a slash before them; `before` is the answer at 0. */
function followsPath(bytes: Buffer, end: number, before: boolean): boolean {
  for (let at = end - 1; at >= 0; at -= 1) {
    const byte = bytes[at] ?? 0;
    if (!isWord(byte)) return byte === SLASH;
  }
  return before;
}

function endOfPath(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] === SLASH || isWord(bytes[at] ?? 0))) at += 1;
  return at;
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
