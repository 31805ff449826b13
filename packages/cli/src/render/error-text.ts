import { type SpkociError, withoutSecrets } from "@spkoci/core";
import { cleanLines, cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";

export interface ErrorDetail {
  /** Say what caused the error, and where spkoci itself is at fault, its stack. */
  readonly verbose: boolean;
  /** Give the stacks of the error and its causes. */
  readonly debug: boolean;
}

/** An error for people: one line, the hint, and as much more as they asked for. Ends with a line break. */
export function formatError(error: SpkociError, detail: ErrorDetail, colors: Colors): string {
  const lines = [`spkoci: ${colors.red("error:")} ${cleanText(error.message)}`];
  if (error.hint !== undefined) lines.push(`${colors.cyan("hint:")} ${cleanLines(error.hint)}`);
  const withStacks = detail.debug || (detail.verbose && error.code === "INTERNAL");
  if (detail.verbose && !withStacks)
    lines.push(...causesOf(error).map((cause) => `cause: ${cleanText(messageOf(cause))}`));
  if (withStacks) lines.push(...[error, ...causesOf(error)].map((each) => cleanLines(stackOf(each))));
  return `${lines.join("\n")}\n`;
}

/** An error as the one JSON document of a run with `--json`. */
export function errorDocument(error: SpkociError): object {
  const { code, message, hint } = error;
  return { error: { code, message, ...(hint === undefined ? {} : { hint }) } };
}

function causesOf(error: Error): unknown[] {
  const causes: unknown[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < 10; ) {
    causes.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

function messageOf(cause: unknown): string {
  return withoutQueries(cause instanceof Error ? cause.message : String(cause));
}

function stackOf(cause: unknown): string {
  return withoutQueries(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
}

/** Errors of libraries may hold whole URLs: their queries and user parts are taken out, and what else is known to be secret. */
function withoutQueries(text: string): string {
  return withoutSecrets(text).replace(
    /\b(https?:\/\/)(?:[^\s/@]*@)?([^\s?]*)(\?\S*)?/gi,
    (_all, scheme, rest, query) => (query === undefined ? `${scheme}${rest}` : `${scheme}${rest}?...`),
  );
}
