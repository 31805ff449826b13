import type { ByteSource, Edit, Span } from "./byte-source.js";
import { ET_DYN, ET_EXEC } from "./elf-format.js";
import { type Dynamic, type ElfFile, readElf } from "./elf-reader.js";
import { planRewrite } from "./elf-rewrite.js";
import { planRunPaths, type RunPathChange } from "./elf-strings.js";
import type { PrefixMap } from "./prefix-map.js";

/** What is to be written into a binary. */
export interface BinaryPlan {
  /** To be made in order; none if nothing changes. */
  readonly edits: readonly Edit[];
  /** Places, after the edits, that hold new paths: nothing is to be replaced in them again. */
  readonly done: readonly Span[];
}

const NOTHING: BinaryPlan = { edits: [], done: [] };

/**
 * Replaces old prefixes at the start of the run paths (DT_RPATH stays DT_RPATH, DT_RUNPATH stays DT_RUNPATH) and of the interpreter's
 * path. They stay where they are if they fit; else the file gets longer. Object files, static programs, and separate debug information
 * have neither.
 * @throws SpkociError RELOCATION_INVALID_BINARY for malformed files
 */
export function planElf(source: ByteSource, map: PrefixMap): BinaryPlan {
  if (map.isEmpty) return NOTHING;
  const elf = readElf(source);
  if (elf.header.type !== ET_EXEC && elf.header.type !== ET_DYN) return NOTHING;
  const interpreter = planInterpreter(elf, map);
  const runPaths = elf.dynamic === undefined ? [] : planRunPaths(elf, elf.dynamic, map);
  if (interpreter === undefined && runPaths.length === 0) return NOTHING;
  const strings = elf.dynamic && runPaths.length > 0 ? planStrings(elf.dynamic, runPaths) : undefined;
  const growsInterpreter = interpreter !== undefined && interpreter.length > (elf.interpreter?.length ?? 0);
  if (!growsInterpreter && strings?.grown !== true) return planInPlace(elf, interpreter, runPaths);

  const rewrite = planRewrite(elf, {
    interpreter,
    strings: strings?.bytes,
    runPaths: strings?.offsets ?? new Map<number, number>(),
  });
  const done: Span[] = [];
  if (interpreter !== undefined && rewrite.interpreterAt !== undefined) {
    done.push({ offset: rewrite.interpreterAt, length: interpreter.length });
  }
  for (const { at, newPath } of runPaths) {
    const offset = (rewrite.stringsAt ?? 0) + (strings?.offsets.get(at) ?? at);
    done.push({ offset, length: newPath.length });
  }
  return { edits: rewrite.edits, done };
}

/** The interpreter's path with its NUL, filled with zeros to the length that the old one has. */
function planInterpreter({ source, interpreter }: ElfFile, map: PrefixMap): Buffer | undefined {
  if (interpreter === undefined) return undefined;
  const field = source.read(interpreter.offset, interpreter.length);
  const end = field.indexOf(0);
  const path = map.replaceStart(end < 0 ? field : field.subarray(0, end));
  if (path === undefined) return undefined;
  return Buffer.concat([path, Buffer.alloc(Math.max(1, interpreter.length - path.length))]);
}

interface Strings {
  /** The whole table. */
  readonly bytes: Buffer;
  readonly grown: boolean;
  /** By offset of a run path: where in the table it is now. */
  readonly offsets: ReadonlyMap<number, number>;
}

function planStrings({ strings }: Dynamic, changes: readonly RunPathChange[]): Strings {
  const bytes = Buffer.from(strings.bytes);
  const offsets = new Map<number, number>();
  const added: Buffer[] = [];
  let end = bytes.length;
  for (const { at, oldPath, newPath, fits, ownLength } of changes) {
    bytes.fill(0, at, at + (fits ? oldPath.length : ownLength));
    if (fits) {
      newPath.copy(bytes, at);
      continue;
    }
    offsets.set(at, end);
    added.push(newPath, Buffer.alloc(1));
    end += newPath.length + 1;
  }
  return { bytes: Buffer.concat([bytes, ...added]), grown: added.length > 0, offsets };
}

function planInPlace(elf: ElfFile, interpreter: Buffer | undefined, runPaths: readonly RunPathChange[]): BinaryPlan {
  const edits: Edit[] = [];
  if (interpreter !== undefined) edits.push({ offset: elf.interpreter?.offset ?? 0, bytes: interpreter });
  for (const { at, oldPath, newPath } of runPaths) {
    const bytes = Buffer.alloc(Math.max(oldPath.length, newPath.length));
    newPath.copy(bytes);
    edits.push({ offset: (elf.dynamic?.strings.offset ?? 0) + at, bytes });
  }
  return { edits, done: edits.map(({ offset, bytes }) => ({ offset, length: bytes.length })) };
}
