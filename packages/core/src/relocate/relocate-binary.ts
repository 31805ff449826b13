import { readFile } from "node:fs/promises";
import { asSpkociError } from "../base/errors.js";
import { planBinaryStrings, type StringsOptions, type StringsPlan } from "./binary-strings.js";
import { applyEdits, type ByteSource, bufferSource, type Edit, openFileSource } from "./byte-source.js";
import { isElf } from "./elf-reader.js";
import { isMachO, planMachO } from "./macho.js";
import type { PrefixMap } from "./prefix-map.js";
import { placesAfter, type RecordedPlaces } from "./recorded-places.js";
import { type BinaryPlan, planElf } from "./relocate-elf.js";
import type { Unheld } from "./too-long.js";
import { type TreeFile, withWritable, writeAt } from "./tree-file.js";

export interface BinaryOutcome {
  readonly changed: boolean;
  readonly unheld: readonly Unheld[];
  /** Why run paths and the like are left as they are; undefined if the file could be read. */
  readonly malformed: string | undefined;
  /** By new prefix: the shorter path that was written instead. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly isMachO: boolean;
}

export interface BinaryOptions extends Pick<StringsOptions, "aliasOf"> {
  readonly recorded?: RecordedPlaces | undefined;
}

/** Relocates a binary that is in memory. `bytes` of the result are absent if nothing changes. */
export function relocateBinary(
  bytes: Buffer,
  name: string,
  map: PrefixMap,
  options: BinaryOptions = {},
): BinaryOutcome & { readonly bytes: Buffer | undefined } {
  const source = bufferSource(bytes, name);
  const recorded = options.recorded?.in(source, map);
  const structure = planStructure(source, map);
  const edited = applyEdits(bytes, structure.edits);
  const strings = planStrings(bufferSource(edited, name), map, structure, recorded, options);
  const changed = structure.edits.length + strings.edits.length > 0;
  return {
    changed,
    bytes: changed ? applyEdits(edited, strings.edits) : undefined,
    unheld: [...structure.unheld, ...strings.unheld],
    malformed: structure.malformed,
    aliases: strings.aliases,
    isMachO: structure.isMachO,
  };
}

/** Relocates a binary in place. One larger than `wholeLimit` is read in pieces. */
export async function relocateBinaryFile(
  file: TreeFile,
  map: PrefixMap,
  options: BinaryOptions & { readonly wholeLimit: number },
): Promise<BinaryOutcome> {
  const { onDisk, stats, name } = file;
  if (stats.size <= options.wholeLimit) {
    const { bytes, ...outcome } = relocateBinary(await readFile(onDisk), name, map, options);
    if (bytes !== undefined) await writeEdits(file, [{ offset: 0, bytes }]);
    return outcome;
  }
  const { recorded, structure } = withSource(onDisk, name, (source) => ({
    recorded: options.recorded?.in(source, map),
    structure: planStructure(source, map),
  }));
  await writeEdits(file, structure.edits);
  const strings = withSource(onDisk, name, (source) => planStrings(source, map, structure, recorded, options));
  await writeEdits(file, strings.edits);
  return {
    changed: structure.edits.length + strings.edits.length > 0,
    unheld: [...structure.unheld, ...strings.unheld],
    malformed: structure.malformed,
    aliases: strings.aliases,
    isMachO: structure.isMachO,
  };
}

/** The load information of a binary: what is written, and what has no room. */
type StructurePlan = BinaryPlan & Pick<BinaryOutcome, "unheld" | "malformed" | "isMachO">;

/** What names libraries and run paths in an ELF or Mach-O file. A malformed file keeps them, as with Spack. */
function planStructure(source: ByteSource, map: PrefixMap): StructurePlan {
  const nothing = { edits: [], done: [], unheld: [], malformed: undefined, isMachO: isMachO(source) };
  try {
    if (isElf(source)) return { ...nothing, ...planElf(source, map) };
    return nothing.isMachO ? { ...nothing, ...planMachO(source, map) } : nothing;
  } catch (error) {
    const known = asSpkociError(error);
    if (known.code !== "RELOCATION_INVALID_BINARY") throw error;
    return { ...nothing, malformed: known.message };
  }
}

/** @param recorded where old paths stood before the structure was edited, if that is known */
function planStrings(
  source: ByteSource,
  map: PrefixMap,
  { edits, done }: StructurePlan,
  recorded: readonly number[] | undefined,
  { aliasOf }: BinaryOptions,
): StringsPlan {
  const places = recorded && placesAfter(edits, source, map, recorded);
  return planBinaryStrings(source, map, { aliasOf, done, places });
}

async function writeEdits({ onDisk, stats }: TreeFile, edits: readonly Edit[]): Promise<void> {
  if (edits.length === 0) return;
  await withWritable(onDisk, stats, async (file) => {
    for (const { offset, bytes } of edits) await writeAt(file, bytes, offset);
  });
}

function withSource<T>(path: string, name: string, use: (source: ByteSource) => T): T {
  const source = openFileSource(path, name);
  try {
    return use(source);
  } finally {
    source.close();
  }
}
