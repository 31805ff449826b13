import type { ErrorCode } from "./error-codes.js";
import { exitCodeOf } from "./error-codes.js";
import { withoutSecrets } from "./secrets.js";

export interface ErrorDetails {
  /** What the user can do about it: one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * Every error that core throws on purpose.
 * `message` is one line that names what failed, whatever outside texts it quotes: without control characters, not longer than 4,000
 * characters, and without the secrets that this process knows. `code` is stable; `hint` says what to do.
 */
export class SpkociError extends Error {
  override readonly name: string = "SpkociError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(oneLine(message), details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.hint = details.hint === undefined ? undefined : withoutSecrets(details.hint);
  }

  get exitCode(): number {
    return exitCodeOf(this.code);
  }
}

const LONGEST_MESSAGE = 4000;

/** C0 and C1 controls, and what reorders or breaks a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function oneLine(message: string): string {
  const line = withoutSecrets(message)
    .slice(0, LONGEST_MESSAGE + 1)
    .replace(CONTROL, escapeOf);
  return line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}…` : line;
}

function escapeOf(character: string): string {
  if (character === "\n") return "\\n";
  const hex = character.charCodeAt(0).toString(16);
  return hex.length <= 2 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex}`;
}

/** `error` as a SpkociError; what is not one becomes INTERNAL, with the original as its cause. */
export function asSpkociError(error: unknown): SpkociError {
  if (error instanceof SpkociError) return error;
  if (isAbortError(error)) return new SpkociError("INTERRUPTED", "stopped", { cause: error });
  const message = error instanceof Error ? error.message : String(error);
  return new SpkociError("INTERNAL", `unexpected: ${message}`, {
    cause: error,
    hint: "This is a defect of spkoci. Please report it with the output of --verbose.",
  });
}

export function isAbortError(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === "AbortError" || (error as NodeJS.ErrnoException).code === "ABORT_ERR")
  );
}

/** The `code` of a Node system error (`ENOENT`, …), or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** A system error of the file system as NO_SPACE or STORAGE_FAILED, the latter with `hint`; anything else is returned as it is. */
export function asStorageError(error: unknown, action: string, hint?: string): unknown {
  const code = systemCodeOf(error);
  if (code === undefined || error instanceof SpkociError || code === "ABORT_ERR") return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new SpkociError("NO_SPACE", `no space left: ${action}`, {
      cause: error,
      hint: "Free some space there, or choose another folder.",
    });
  }
  return new SpkociError("STORAGE_FAILED", `${action}: ${code}`, { cause: error, ...(hint !== undefined && { hint }) });
}
