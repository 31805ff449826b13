import { withoutSecrets } from "../base/secrets.js";

/** One entry of a registry's error list (distribution-spec, Error Codes), fit to be shown. */
export interface RegistryErrorEntry {
  /** Such as `DENIED` or `MANIFEST_BLOB_UNKNOWN`; empty if the registry gave none. */
  readonly code: string;
  readonly message: string;
  /** Whatever the registry added, as it came. Never shown. */
  readonly detail?: unknown;
}

/** The most of an error's body that is read, bytes. */
export const ERROR_BODY_LIMIT: number = 64 * 1024;

const ENTRY_LIMIT = 20;
const MESSAGE_LIMIT = 300;

/**
 * The error list in an answer's body. Token servers' `{"error", "error_description"}` and `{"details"}` are understood too; of any
 * other text the first line is the message, of HTML and binary nothing. `secrets` are blotted out wherever they occur.
 */
export function parseErrorBody(body: string, secrets: readonly string[] = []): RegistryErrorEntry[] {
  const show = (text: unknown): string => (typeof text === "string" ? oneLine(text, secrets) : "");
  const value = parseObject(body);
  if (!value) {
    const line = looksReadable(body) ? show(body.trim().split("\n", 1)[0]) : "";
    return line === "" ? [] : [{ code: "", message: line }];
  }
  if (Array.isArray(value.errors)) {
    return value.errors.slice(0, ENTRY_LIMIT).flatMap((entry: unknown) => {
      if (typeof entry !== "object" || entry === null) return [];
      const { code, message, detail } = entry as Record<string, unknown>;
      return [{ code: show(code), message: show(message), ...(detail === undefined ? {} : { detail }) }];
    });
  }
  const code = show(value.error);
  const message = show(value.error_description) || show(value.details) || show(value.message);
  return code === "" && message === "" ? [] : [{ code, message }];
}

/** Text of a registry as one line without control characters, not too long, and without secrets. */
export function oneLine(text: string, secrets: readonly string[] = []): string {
  let line = withoutSecrets(text);
  for (const secret of secrets) {
    if (secret.length >= 4) line = line.replaceAll(secret, "***");
  }
  line = line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  return line.length > MESSAGE_LIMIT ? `${line.slice(0, MESSAGE_LIMIT)}…` : line;
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function looksReadable(body: string): boolean {
  return !body.trimStart().startsWith("<") && !body.includes("\0") && !body.includes("\uFFFD");
}
