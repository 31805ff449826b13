import type { ErrorCode } from "./error-codes.js";
import { exitCodeOf } from "./error-codes.js";

export interface ErrorDetails {
  /** What the user can do about it: one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * Every error that core throws on purpose.
 * `message` is one line that names what failed; `code` is stable; `hint` says what to do.
 */
export class SpkociError extends Error {
  override readonly name: string = "SpkociError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }

  get exitCode(): number {
    return exitCodeOf(this.code);
  }
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

/** A system error of the file system as NO_SPACE or STORAGE_FAILED; anything else is returned as it is. */
export function asStorageError(error: unknown, action: string): unknown {
  const code = systemCodeOf(error);
  if (code === undefined || error instanceof SpkociError || code === "ABORT_ERR") return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new SpkociError("NO_SPACE", `no space left: ${action}`, {
      cause: error,
      hint: "Free some space there, or choose another folder.",
    });
  }
  return new SpkociError("STORAGE_FAILED", `${action}: ${code}`, { cause: error });
}
