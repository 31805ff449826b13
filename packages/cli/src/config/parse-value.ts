import { SpkociError } from "@spkoci/core";
import type { SettingKind } from "./settings.js";

const SWITCHES: ReadonlyMap<string, boolean> = new Map([
  ...["1", "true", "yes", "on"].map((word) => [word, true] as const),
  ...["0", "false", "no", "off"].map((word) => [word, false] as const),
]);

/** A variable's text as the value that a file would have; what can't be one stays text, which the schema refuses. */
export function parseVariable(kind: SettingKind, text: string): unknown {
  if (kind === "paths") return text.split(":").filter((path) => path !== "");
  if (kind === "switch") return SWITCHES.get(text.toLowerCase()) ?? text;
  return kind === "integer" ? parseInteger(text) : text;
}

/** An option's value, as it was parsed from the command line, as the value that a file would have. */
export function parseFlag(kind: SettingKind, value: unknown, option: string): unknown {
  if (kind === "integer" && typeof value === "string") return parseInteger(value);
  return kind === "pairs" ? parsePairs(value as readonly string[], option) : value;
}

function parseInteger(text: string): unknown {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

function parsePairs(texts: readonly string[], option: string): Record<string, string> {
  const pairs = texts.map((text): [string, string] => {
    const at = text.indexOf("=");
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw new SpkociError("INVALID_ARGUMENT", `${option}: ${JSON.stringify(text)} is not KEY=VALUE`, {
      hint: `Write ${option} KEY=VALUE, once for each pair.`,
    });
  });
  return Object.fromEntries(pairs);
}
