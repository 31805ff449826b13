import type { Digest } from "../base/digest.js";
import { parseJson } from "../base/json.js";
import type { Descriptor } from "../oci/descriptor.js";
import { LAYER_DIFF_ID, LAYER_PATH_OFFSETS } from "./annotations.js";

/** Files that a package's build info lists, by path in the prefix. */
interface Listed<T> {
  readonly binaries: T;
  readonly textFiles: T;
}

/** The longest text of offsets, bytes: it is part of a manifest, which every reader of the image fetches. */
export const PATH_OFFSETS_LIMIT: number = 64 * 1024;

/**
 * The text of the annotation LAYER_PATH_OFFSETS: JSON, for each list of the build info one item for each file. That is the file's offsets, each but
 * the first as its distance from the one before, or `null` where none are recorded.
 * @returns undefined if it would be too long, or say nothing
 */
export function formatPathOffsets(
  lists: Listed<readonly string[]>,
  offsets: ReadonlyMap<string, readonly number[]>,
): string | undefined {
  if (offsets.size === 0) return undefined;
  const formatAll = (paths: readonly string[]): (number[] | null)[] =>
    paths.map((path) => offsets.get(path)?.map((offset, i, all) => offset - (all[i - 1] ?? 0)) ?? null);
  const text = JSON.stringify({ binaries: formatAll(lists.binaries), textFiles: formatAll(lists.textFiles) });
  return text.length > PATH_OFFSETS_LIMIT ? undefined : text;
}

/** Whether a text has the form that `formatPathOffsets` writes. */
export function isPathOffsets(text: string | undefined): text is string {
  return parse(text) !== undefined;
}

/**
 * The offsets that an image says of a package's layer, by path: ascending. They are untrusted, and nothing is said of what stands there.
 * @param diffId what the layer's plain tar is; offsets that are written down for another one are no use
 * @returns none at all for a text of another form, or of other lists
 */
export function pathOffsetsOf(
  { annotations }: Descriptor,
  diffId: Digest,
  lists: Listed<readonly string[]>,
): ReadonlyMap<string, readonly number[]> {
  const offsets = new Map<string, readonly number[]>();
  const record = annotations?.[LAYER_DIFF_ID] === diffId ? parse(annotations[LAYER_PATH_OFFSETS]) : undefined;
  for (const key of ["binaries", "textFiles"] as const) {
    if (record?.[key].length !== lists[key].length) return new Map();
    for (const [i, path] of lists[key].entries()) {
      const distances = record[key][i];
      if (distances) offsets.set(path, summed(distances));
    }
  }
  return offsets;
}

type Distances = readonly number[] | null;

function parse(text: string | undefined): Listed<readonly Distances[]> | undefined {
  if (text === undefined || text.length > PATH_OFFSETS_LIMIT) return undefined;
  try {
    const { binaries, textFiles } = parseJson(text, "offsets") as Partial<Listed<unknown>>;
    return areDistances(binaries) && areDistances(textFiles) ? { binaries, textFiles } : undefined;
  } catch {
    return undefined;
  }
}

function areDistances(value: unknown): value is readonly Distances[] {
  return Array.isArray(value) && value.every((one) => one === null || (Array.isArray(one) && one.every(isDistance)));
}

/** The first is an offset, and may be 0. */
function isDistance(value: unknown, i: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= (i === 0 ? 0 : 1);
}

function summed(distances: readonly number[]): number[] {
  let offset = 0;
  return distances.map((distance) => {
    offset += distance;
    return offset;
  });
}
