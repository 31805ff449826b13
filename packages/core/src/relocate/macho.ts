import { type ByteSource, type Edit, invalidBinary, type Span } from "./byte-source.js";
import { type CommandBlock, isMachO, type LoadCommand, readCommands } from "./macho-reader.js";
import type { PrefixMap } from "./prefix-map.js";
import type { BinaryPlan } from "./relocate-elf.js";
import type { Unheld } from "./too-long.js";

export { isMachO };

export interface MachOPlan extends BinaryPlan {
  /** Paths for which the header has no room. Nothing is written then. */
  readonly unheld: readonly Unheld[];
}

/**
 * Replaces old prefixes at the start of a library's own name, of the libraries it loads, and of its run paths. A path that is too long
 * for its load command makes the command longer, as far as there is room between the load commands and what follows them. Object
 * files stay as they are. Signatures don't hold afterwards.
 * @throws SpkociError RELOCATION_INVALID_BINARY for malformed files
 */
export function planMachO(source: ByteSource, map: PrefixMap): MachOPlan {
  const edits: Edit[] = [];
  const done: Span[] = [];
  const unheld: Unheld[] = [];
  for (const block of map.isEmpty ? [] : readCommands(source)) {
    const changes = block.commands.map((command) => changeOf(command, map));
    if (changes.every((change) => change === undefined)) continue;
    const { parts, tooLong } = planBlock(source, block, changes);
    for (const one of tooLong) unheld.push(one);
    let offset = block.offset;
    for (const { bytes, pathAt, pathLength } of parts) {
      if (pathLength > 0) done.push({ offset: offset + pathAt, length: pathLength });
      offset += bytes.length;
    }
    const all = Buffer.concat(parts.map(({ bytes }) => bytes));
    edits.push({ offset: block.offset, bytes: padded(all, block.length) }, sizeEdit(block, all.length));
  }
  return unheld.length > 0 ? { edits: [], done: [], unheld } : { edits, done, unheld };
}

interface Change {
  readonly oldPath: Buffer;
  readonly newPath: Buffer;
}

function changeOf({ path }: LoadCommand, map: PrefixMap): Change | undefined {
  const newPath = path && map.replaceStart(path.bytes);
  return path && newPath && { oldPath: path.bytes, newPath };
}

interface CommandPart {
  readonly bytes: Buffer;
  readonly pathAt: number;
  readonly pathLength: number;
}

function planBlock(
  source: ByteSource,
  block: CommandBlock,
  changes: readonly (Change | undefined)[],
): { parts: CommandPart[]; tooLong: Unheld[] } {
  const parts = block.commands.map((command, i) => rewritten(block, command, changes[i]?.newPath));
  const length = parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const excess = length - block.room;
  if (excess <= 0) return { parts, tooLong: [] };
  const tooLong = changes
    .filter((change) => change !== undefined)
    .filter(({ oldPath, newPath }) => newPath.length > oldPath.length)
    .map(({ oldPath, newPath }) => ({
      file: source.name,
      string: oldPath.toString(),
      newPrefix: newPath.toString(),
      room: Math.max(0, newPath.length - excess),
    }));
  if (tooLong.length === 0) throw invalidBinary(source.name, "its load commands run into its sections");
  return { parts, tooLong };
}

/** The command with its new path: as long as it was if that fits, else with the next size that is allowed. */
function rewritten({ codec, align }: CommandBlock, command: LoadCommand, newPath: Buffer | undefined): CommandPart {
  const { path } = command;
  if (path === undefined || newPath === undefined) return { bytes: command.bytes, pathAt: 0, pathLength: 0 };
  const needed = path.at + newPath.length + 1;
  const length = Math.max(command.bytes.length, Math.ceil(needed / align) * align);
  const bytes = Buffer.alloc(length);
  command.bytes.copy(bytes, 0, 0, path.at);
  newPath.copy(bytes, path.at);
  codec.setWord(bytes, 4, length);
  return { bytes, pathAt: path.at, pathLength: newPath.length };
}

function padded(bytes: Buffer, length: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(Math.max(0, length - bytes.length))]);
}

function sizeEdit({ codec, sizeAt }: CommandBlock, length: number): Edit {
  const bytes = Buffer.alloc(4);
  codec.setWord(bytes, 0, length);
  return { offset: sizeAt, bytes };
}
