import { createReadStream, createWriteStream } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { temporaryBeside } from "../base/temporary-file.js";
import { bufferSource } from "./byte-source.js";
import type { PrefixMap } from "./prefix-map.js";
import type { RecordedPlaces } from "./recorded-places.js";
import { planShebang, SHEBANG_MAX, type ShebangLimits } from "./shebang.js";
import { relocateText, TextReplacer } from "./text.js";
import type { Unheld } from "./too-long.js";
import { type TreeFile, withWritable, writeAt } from "./tree-file.js";

/** The script that runs scripts whose first line would be too long. */
export interface Sbang {
  readonly path: string;
  /** A shorter path that leads to it. */
  readonly shorter?: (() => string) | undefined;
  readonly limits: ShebangLimits;
}

export interface TextOutcome {
  readonly changed: boolean;
  readonly unheld: readonly Unheld[];
  /** Path of the sbang script that the first line has now, if it got one. */
  readonly sbang: string | undefined;
}

/**
 * Relocates text that is in memory. Executable scripts get sbang lines where their own would be too long. `bytes` of the result are
 * absent if nothing changes.
 */
export function relocateTextBytes(
  content: Buffer,
  { name, mode }: { readonly name: string; readonly mode: number },
  map: PrefixMap,
  sbang: Sbang,
  recorded?: RecordedPlaces,
): TextOutcome & { readonly bytes: Buffer | undefined } {
  const bytes = relocateText(content, map, recorded?.in(bufferSource(content, name), map));
  if (bytes === undefined) return { ...UNCHANGED, bytes };
  const { start, length, ...outcome } = headOf(bytes.subarray(0, SHEBANG_MAX), name, isExecutable(mode), sbang);
  const keepsHead = start.length === 0 && length === 0;
  return { changed: true, ...outcome, bytes: keepsHead ? bytes : Buffer.concat([start, bytes.subarray(length)]) };
}

/** Relocates a text file in place, as `relocateTextBytes` does. */
export async function relocateTextFile(
  file: TreeFile,
  map: PrefixMap,
  sbang: Sbang,
  options: {
    readonly wholeLimit: number;
    readonly signal: AbortSignal;
    readonly recorded?: RecordedPlaces | undefined;
  },
): Promise<TextOutcome> {
  const { onDisk, stats, name } = file;
  const { wholeLimit, signal, recorded } = options;
  if (stats.size > wholeLimit) {
    const head = (start: Buffer): Head => headOf(start, name, isExecutable(stats.mode), sbang);
    return relocateLarge(file, map, head, signal);
  }
  const { bytes, ...outcome } = relocateTextBytes(
    await readFile(onDisk),
    { name, mode: stats.mode },
    map,
    sbang,
    recorded,
  );
  if (bytes === undefined) return outcome;
  await withWritable(onDisk, stats, async (handle) => {
    await writeAt(handle, bytes, 0);
    await handle.truncate(bytes.length);
  });
  return outcome;
}

const UNCHANGED: TextOutcome = { changed: false, unheld: [], sbang: undefined };

/** What stands for the first `length` bytes of a file. */
interface Head extends Pick<TextOutcome, "unheld" | "sbang"> {
  readonly start: Buffer;
  readonly length: number;
}

function isExecutable(mode: number): boolean {
  return (mode & 0o111) !== 0;
}

function headOf(start: Buffer, name: string, isProgram: boolean, { path, shorter, limits }: Sbang): Head {
  const kept = { start: start.subarray(0, 0), length: 0, unheld: [], sbang: undefined };
  if (!isProgram) return kept;
  const plan = planShebang(start, path, limits);
  if (plan.kind === "keep") return kept;
  if (plan.kind === "replace") return { start: plan.bytes, length: plan.length, unheld: [], sbang: path };
  const byShorter = shorter?.();
  const shorterPlan = byShorter === undefined ? plan : planShebang(start, byShorter, limits);
  if (shorterPlan.kind === "replace") {
    return { start: shorterPlan.bytes, length: shorterPlan.length, unheld: [], sbang: byShorter };
  }
  return { ...kept, unheld: [{ file: name, string: plan.line, newPrefix: path, room: plan.room }] };
}

/** Through a file beside it, which is then copied back, so that hard links stay. */
async function relocateLarge(
  { onDisk, stats }: TreeFile,
  map: PrefixMap,
  head: (start: Buffer) => Head,
  signal: AbortSignal,
): Promise<TextOutcome> {
  const replacer = new TextReplacer(map);
  const copy = temporaryBeside(onDisk);
  let outcome: Pick<TextOutcome, "unheld" | "sbang"> = UNCHANGED;
  const relocate = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let first: Buffer | undefined = Buffer.alloc(0);
    const finishHead = (start: Buffer): Buffer[] => {
      const planned = head(start.subarray(0, SHEBANG_MAX));
      outcome = { unheld: planned.unheld, sbang: planned.sbang };
      return [planned.start, start.subarray(planned.length)];
    };
    for await (const chunk of chunks) {
      const parts = replacer.update(chunk);
      if (first === undefined) yield* parts;
      else {
        first = Buffer.concat([first, ...parts]);
        if (first.length < SHEBANG_MAX) continue;
        yield* finishHead(first);
        first = undefined;
      }
    }
    const rest = replacer.finish();
    yield* first === undefined ? rest : finishHead(Buffer.concat([first, ...rest]));
  };
  try {
    await pipeline(createReadStream(onDisk), relocate, createWriteStream(copy, { flags: "wx", mode: 0o600 }), {
      signal,
    });
    if (!replacer.changed) return UNCHANGED;
    await withWritable(onDisk, stats, async (handle) => {
      let offset = 0;
      signal?.throwIfAborted();
      for await (const chunk of createReadStream(copy, { signal }) as AsyncIterable<Buffer>) {
        await writeAt(handle, chunk, offset);
        offset += chunk.length;
      }
      await handle.truncate(offset);
    });
    return { changed: true, ...outcome };
  } finally {
    await rm(copy, { force: true });
  }
}
