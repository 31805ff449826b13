import { asSpkociError } from "../base/errors.js";
import { planBinaryStrings, type StringsOptions } from "./binary-strings.js";
import { applyEdits, type ByteSource, bufferSource } from "./byte-source.js";
import { isElf } from "./elf-reader.js";
import { isMachO, planMachO } from "./macho.js";
import type { PrefixMap } from "./prefix-map.js";
import { type BinaryPlan, planElf } from "./relocate-elf.js";
import type { Unheld } from "./too-long.js";

/** The load information of a binary: what is written, and what has no room. */
export interface StructurePlan extends BinaryPlan {
  readonly unheld: readonly Unheld[];
  /** Why the file's structure is left as it is; undefined if it could be read. */
  readonly malformed: string | undefined;
}

export interface RelocatedBinary {
  /** The file afterwards; undefined if nothing changes. */
  readonly bytes: Buffer | undefined;
  readonly unheld: readonly Unheld[];
  readonly malformed: string | undefined;
  readonly aliases: ReadonlyMap<string, string>;
}

/** What names libraries and run paths in an ELF or Mach-O file. A malformed file keeps them, as with Spack. */
export function planStructure(source: ByteSource, map: PrefixMap): StructurePlan {
  const nothing = { edits: [], done: [], unheld: [], malformed: undefined };
  try {
    if (isElf(source)) return { ...nothing, ...planElf(source, map) };
    if (isMachO(source)) return { ...nothing, ...planMachO(source, map) };
    return nothing;
  } catch (error) {
    const known = asSpkociError(error);
    if (known.code !== "RELOCATION_INVALID_BINARY") throw error;
    return { ...nothing, malformed: known.message };
  }
}

/** Relocates a binary that is in memory. */
export function relocateBinary(
  bytes: Buffer,
  name: string,
  map: PrefixMap,
  options: StringsOptions = {},
): RelocatedBinary {
  const structure = planStructure(bufferSource(bytes, name), map);
  const edited = applyEdits(bytes, structure.edits);
  const strings = planBinaryStrings(bufferSource(edited, name), map, { ...options, done: structure.done });
  const changed = structure.edits.length + strings.edits.length > 0;
  return {
    bytes: changed ? applyEdits(edited, strings.edits) : undefined,
    unheld: [...structure.unheld, ...strings.unheld],
    malformed: structure.malformed,
    aliases: strings.aliases,
  };
}
