import type { ByteSource, Edit, Span } from "./byte-source.js";
import type { MappedPlace, PrefixMap } from "./prefix-map.js";

/** A string in a binary that can't hold its new path. */
export interface UnheldString {
  /** Path of the file. */
  readonly file: string;
  /** Where the old prefix begins in it, bytes. */
  readonly offset: number;
  /** The whole string as far as it is printable, at most 512 bytes. */
  readonly string: string;
  readonly oldPrefix: string;
  readonly newPrefix: string;
  /** Longest path, in bytes, that would fit in place of `oldPrefix`. */
  readonly room: number;
}

export interface StringsPlan {
  readonly edits: readonly Edit[];
  /** The first 10,000. */
  readonly unheld: readonly UnheldString[];
  /** New prefixes that were written as a shorter alias, with the alias. */
  readonly aliases: ReadonlyMap<string, string>;
}

export interface StringsOptions {
  /** Places in which nothing is to be replaced. */
  readonly done?: readonly Span[];
  /** A shorter path that leads to a new prefix, for strings that can't hold the prefix itself. */
  readonly aliasOf?: ((newPrefix: string, oldPrefix: string) => string | undefined) | undefined;
  /** Where old prefixes stand, if that is known (`PrefixMap.search`). */
  readonly places?: readonly number[] | undefined;
  /** Bytes searched at once. */
  readonly windowSize?: number;
}

/** Bytes at the end of a C string that stay as they are: compilers store a string that is the end of another only once. */
export const KEPT_SUFFIX = 7;
const WINDOW = 4 * 1024 * 1024;
const SHOWN = 512;
/** Strings of one file that are reported. */
const REPORTED = 10_000;

/**
 * Replaces old prefixes anywhere in a binary by Spack's rules (format page, section 6), without changing a string's length. Slashes
 * before an old prefix, as an earlier relocation puts them there, are room for a longer one.
 */
export function planBinaryStrings(source: ByteSource, map: PrefixMap, options: StringsOptions = {}): StringsPlan {
  const plan = { edits: [] as Edit[], unheld: [] as UnheldString[], aliases: new Map<string, string>() };
  if (map.isEmpty) return plan;
  const done = options.done ?? [];
  const context = Math.max(SHOWN, 2 * map.longest);
  const windowSize = Math.max(options.windowSize ?? WINDOW, 1);
  let from = 0;
  for (let start = 0; start < source.size; start += windowSize) {
    const places = options.places?.filter((place) => place >= start && place < start + windowSize);
    if (places?.length === 0) continue;
    const before = Math.max(0, start - context);
    const after = Math.min(source.size, start + windowSize + context);
    const bytes = source.read(before, after - before);
    const search = map.search(
      bytes,
      places?.map((place) => place - before),
    );
    const end = Math.min(start + windowSize, source.size) - before;
    let found = search.next(Math.max(from, start) - before);
    for (; found !== undefined && found.at < end; found = search.next(from - before)) {
      const at = before + found.at;
      const isDone = done.some(({ offset, length }) => at >= offset && at < offset + length);
      from = at + (isDone ? 1 : found.oldPath.length);
      if (isDone) continue;
      replaceOne(source.name, bytes, before, found, options, plan);
    }
  }
  return plan;
}

function replaceOne(
  file: string,
  bytes: Buffer,
  bytesAt: number,
  place: MappedPlace,
  { aliasOf }: StringsOptions,
  plan: { edits: Edit[]; unheld: UnheldString[]; aliases: Map<string, string> },
): void {
  const { oldPath, newPath, at } = place;
  if (oldPath.equals(newPath)) return;
  const spots = spotsOf(bytes, at, oldPath.length);
  const write = (path: Buffer): boolean => {
    for (const spot of spots) {
      const replacement = fitInto(spot, path);
      if (replacement === undefined) continue;
      plan.edits.push({ offset: bytesAt + spot.start, bytes: replacement });
      return true;
    }
    return false;
  };
  if (write(newPath)) return;
  const [oldPrefix, newPrefix] = [oldPath.toString(), newPath.toString()];
  const alias = plan.aliases.get(newPrefix) ?? aliasOf?.(newPrefix, oldPrefix);
  if (alias !== undefined && write(Buffer.from(alias))) {
    plan.aliases.set(newPrefix, alias);
    return;
  }
  if (plan.unheld.length >= REPORTED) return;
  const room = Math.max(...spots.map((spot) => roomIn(spot, newPath)));
  plan.unheld.push({ file, offset: bytesAt + at, string: stringAround(bytes, at), oldPrefix, newPrefix, room });
}

/** Where a path is to be replaced. */
interface Spot {
  /** First byte that may change. */
  readonly start: number;
  /** What stands there now, up to the end of the old path. */
  readonly now: Buffer;
  /** What follows up to the string's end, if the end is near. */
  readonly rest: Buffer | undefined;
}

/** The old path alone, and together with the slashes before it. */
function spotsOf(bytes: Buffer, at: number, length: number): Spot[] {
  const end = at + length;
  const near = bytes.subarray(end, end + KEPT_SUFFIX + 1);
  const restLength = near.indexOf(0);
  const rest = restLength < 0 ? undefined : near.subarray(0, restLength);
  let slashes = at;
  while (slashes > 0 && bytes[slashes - 1] === SLASH) slashes -= 1;
  // `file://` and the like need theirs.
  if (slashes > 0 && bytes[slashes - 1] === COLON) slashes = Math.min(at, slashes + 2);
  const starts = slashes < at ? [at, slashes] : [at];
  return starts.map((start) => ({ start, now: bytes.subarray(start, end), rest }));
}

const SLASH = 0x2f;
const COLON = 0x3a;

/** What is written from the start of the spot; undefined if `path` can't be put there. */
function fitInto({ now, rest }: Spot, path: Buffer): Buffer | undefined {
  const shorter = now.length - path.length;
  if (shorter < 0) return undefined;
  if (keepsSuffix(now, path, rest)) return Buffer.concat([Buffer.alloc(shorter, SLASH), path]);
  if (shorter > KEPT_SUFFIX) return Buffer.concat([path, rest ?? Buffer.alloc(0), Buffer.alloc(1)]);
  return undefined;
}

function roomIn({ now, rest }: Spot, path: Buffer): number {
  return keepsSuffix(now, path, rest) ? now.length : Math.max(0, now.length - KEPT_SUFFIX - 1);
}

/** Whether the string's last bytes stay what they are; they do if its end is far. */
function keepsSuffix(now: Buffer, path: Buffer, rest: Buffer | undefined): boolean {
  const kept = KEPT_SUFFIX - (rest?.length ?? KEPT_SUFFIX);
  return kept <= 0 || now.subarray(-kept).equals(path.subarray(-kept));
}

function stringAround(bytes: Buffer, at: number): string {
  let start = at;
  while (start > 0 && at - start < SHOWN / 2 && isPrintable(bytes[start - 1])) start -= 1;
  let end = at;
  while (end < bytes.length && end - start < SHOWN && isPrintable(bytes[end])) end += 1;
  return bytes.toString("utf8", start, end);
}

function isPrintable(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x20 && byte !== 0x7f;
}
