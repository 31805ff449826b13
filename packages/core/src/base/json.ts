import { SpkociError } from "./errors.js";
import { isNestedTooDeeply } from "./json-nesting.js";

/** JSON text that is put into a document as it is, never parsed and written again. */
export class RawJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | RawJson
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** Compact JSON: keys in the order they have, undefined members left out, RawJson verbatim. Same value, same bytes. */
export function formatJson(value: JsonValue): string {
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map((item: JsonValue) => formatJson(item)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members: string[] = [];
    for (const [key, member] of Object.entries(value)) {
      if (member !== undefined) members.push(`${JSON.stringify(key)}:${formatJson(member as JsonValue)}`);
    }
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

/**
 * JSON.parse of an untrusted document; `__proto__` keys are dropped.
 * @throws SpkociError DOCUMENT_INVALID that names `what`; for nesting deeper than NESTING_LIMIT too, which not every reader can follow.
 */
export function parseJson(text: string, what: string): unknown {
  // Only such a text can have the key; looking at every member takes several times as long.
  const mayHaveProto = text.includes("__proto__") || text.includes("\\u");
  if (isNestedTooDeeply(text)) throw new SpkociError("DOCUMENT_INVALID", `${what} is nested too deeply`);
  try {
    return mayHaveProto
      ? JSON.parse(text, (key, value: unknown) => (key === "__proto__" ? undefined : value))
      : JSON.parse(text);
  } catch (error) {
    throw new SpkociError("DOCUMENT_INVALID", `${what} is not valid JSON`, { cause: error });
  }
}
