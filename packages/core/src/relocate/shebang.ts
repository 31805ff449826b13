/** Line lengths in bytes, each with its line break. */
export interface ShebangLimits {
  /** Lines up to this one work on every machine. */
  readonly everywhere: number;
  /** Lines up to this one work on today's machines. */
  readonly today: number;
}

/** Linux before 5.1 reads 127 bytes, later ones 255; Spack rewrites lines over 127. */
export const LINUX_SHEBANG: ShebangLimits = { everywhere: 127, today: 255 };
export const DARWIN_SHEBANG: ShebangLimits = { everywhere: 511, today: 511 };

/** What becomes of a script's first line. */
export type ShebangPlan =
  | { readonly kind: "keep" }
  /** What takes the place of the first `length` bytes of the script. */
  | { readonly kind: "replace"; readonly length: number; readonly bytes: Buffer }
  /** No line that works is short enough; `room` is what there is for the path of sbang. */
  | { readonly kind: "too-long"; readonly line: string; readonly room: number };

/** A line that is longer than this is no interpreter line for Spack. */
export const SHEBANG_MAX = 4096;

const KEEP: ShebangPlan = { kind: "keep" };
const SHEBANG = "#!";

/**
 * A `#!` line that is too long for the kernel becomes line 2, in the form of comment that the interpreter skips, behind one that runs
 * the sbang script.
 * @param start the first SHEBANG_MAX bytes of the script, or all of it
 * @param sbang path of the store's sbang script
 */
export function planShebang(start: Buffer, sbang: string, limits: ShebangLimits): ShebangPlan {
  if (start.toString("latin1", 0, 2) !== SHEBANG) return KEEP;
  const lineEnd = start.indexOf("\n");
  if (lineEnd < 0 && start.length >= SHEBANG_MAX) return KEEP;
  const length = lineEnd < 0 ? start.length : lineEnd + 1;
  const interpreter = interpreterOf(start.subarray(0, length));
  if (length <= limits.everywhere || interpreter === undefined) return KEEP;

  const sbangLine = `#!/bin/sh ${sbang}\n`;
  const sbangLength = Buffer.byteLength(sbangLine);
  const isSbang = start.toString("utf8", 0, length).trimEnd() === sbangLine.trimEnd();
  if (!isSbang && sbangLength <= limits.everywhere) return wrapped(start, length, interpreter, sbangLine);
  if (length <= limits.today) return KEEP;
  if (!isSbang && sbangLength <= limits.today) return wrapped(start, length, interpreter, sbangLine);
  return {
    kind: "too-long",
    line: start.toString("utf8", 0, length).trimEnd(),
    room: limits.today - sbangLength + Buffer.byteLength(sbang),
  };
}

function wrapped(start: Buffer, length: number, interpreter: string, sbangLine: string): ShebangPlan {
  const line = start.toString("latin1", 2, length).replace(/\n$/, "");
  const name = interpreter.slice(interpreter.lastIndexOf("/"));
  const second = Buffer.from(commented(name, line), "latin1");
  return { kind: "replace", length, bytes: Buffer.concat([Buffer.from(sbangLine), second]) };
}

/** The line without its `#!` as a comment of the interpreter's language. */
function commented(name: string, line: string): string {
  if (name === "/lua" || name === "/luajit") return `--!${line}\n`;
  if (name === "/node") return `//!${line}\n`;
  if (name === "/php") return `<?php #!${line} ?>\n`;
  return `#!${line}\n`;
}

/** The program that the line names; undefined if there is none. */
function interpreterOf(line: Buffer): string | undefined {
  return /^#![ \t]*([^ \t\0\n]+)/.exec(line.toString("latin1"))?.[1];
}
