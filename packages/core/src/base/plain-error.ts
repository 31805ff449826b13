import type { ErrorCode } from "./error-codes.js";
import { SpkociError } from "./errors.js";

/** An error as it goes from thread to thread: a copy would lose its class and what it has beside a message. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Of SpkociError. */
  readonly hint: string | undefined;
  /** `code`, `errno`, `syscall`, `path` and the like. */
  readonly details: Readonly<Record<string, string | number>>;
  readonly cause: PlainError | undefined;
}

/** Causes behind causes that are kept. */
const MAX_DEPTH = 8;

export function toPlainError(error: unknown, depth = 0): PlainError {
  if (!(error instanceof Error)) return toPlainError(new Error(String(error)), depth);
  const { name, message, stack, cause } = error;
  const details = Object.entries(error).filter(([, value]) => typeof value === "string" || typeof value === "number");
  return {
    name,
    message,
    stack,
    hint: error instanceof SpkociError ? error.hint : undefined,
    details: Object.fromEntries(details),
    cause: cause === undefined || depth === MAX_DEPTH ? undefined : toPlainError(cause, depth + 1),
  };
}

export function fromPlainError({ name, message, stack, hint, details, cause }: PlainError): Error {
  const more = cause === undefined ? {} : { cause: fromPlainError(cause) };
  const error =
    name === "SpkociError"
      ? new SpkociError(details.code as ErrorCode, message, { ...more, ...(hint === undefined ? {} : { hint }) })
      : Object.assign(new Error(message, more), details, { name });
  if (stack !== undefined) error.stack = stack;
  return error;
}
