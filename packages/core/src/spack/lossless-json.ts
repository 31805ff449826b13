import type { ErrorCode } from "../base/error-codes.js";
import { SpkociError } from "../base/errors.js";
import { endOfString, isClosing, isOpening, NESTING_LIMIT } from "../base/json-nesting.js";

/** Parsed JSON together with its text, from which members can be taken as they were written. */
export interface LosslessJson {
  readonly value: unknown;
  /** The whole text without white space between tokens; every token, and the order of keys, is as read. */
  readonly text: string;
}

const QUOTE = 0x22;
const COMMA = 0x2c;

/**
 * JSON whose tokens are kept, because hashes are made of them: `1.0`, long numbers, escapes and integer-like keys stay what
 * they are. Time and memory are linear in the text.
 * @throws SpkociError `code`, naming `what`, for anything but JSON, or for JSON nested deeper than 200.
 */
export function parseLosslessJson(text: string, what: string, code: ErrorCode = "DOCUMENT_INVALID"): LosslessJson {
  const minified = minifyJson(text, what, code);
  try {
    return { value: JSON.parse(text), text: minified };
  } catch (error) {
    throw new SpkociError(code, `${what} is not valid JSON`, { cause: error });
  }
}

/** Key and text of each member of an object. `text` must come from `parseLosslessJson`; nothing if it is no object. */
export function* membersOf(text: string): Generator<readonly [key: string, value: string]> {
  for (const { keyStart, keyEnd, valueEnd } of spansOf(text)) {
    yield [JSON.parse(text.slice(keyStart, keyEnd)) as string, text.slice(keyEnd + 1, valueEnd)];
  }
}

/** An object of which nothing is known to be JSON. */
export interface SplitObject {
  /** Text of each member's key, with its quotes, and value. */
  readonly members: readonly (readonly [key: string, value: string])[];
  /** The object's text with 0 in place of each value. If that and every value are JSON, so is the object. */
  readonly hollow: string;
}

/** Members of an object by their texts; none if the text is no object. */
export function splitObject(text: string): SplitObject {
  const members: [string, string][] = [];
  const parts: string[] = [];
  let at = 0;
  for (const { keyStart, keyEnd, valueEnd } of spansOf(text)) {
    members.push([text.slice(keyStart, keyEnd), text.slice(keyEnd + 1, valueEnd)]);
    parts.push(text.slice(at, keyEnd + 1), "0");
    at = valueEnd;
  }
  parts.push(text.slice(at));
  return { members, hollow: parts.join("") };
}

interface MemberSpan {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueEnd: number;
}

function* spansOf(text: string): Generator<MemberSpan> {
  if (text[0] !== "{") return;
  let at = 1;
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(text, at);
    const valueEnd = endOfValue(text, keyEnd + 1);
    yield { keyStart: at, keyEnd, valueEnd };
    at = valueEnd + 1;
  }
}

/** Text of the member that a parser would return for `key`: the last one, if there are several. */
export function memberOf(text: string, key: string): string | undefined {
  let found: string | undefined;
  for (const [name, value] of membersOf(text)) {
    if (name === key) found = value;
  }
  return found;
}

/** Text of each item of an array. `text` must come from `parseLosslessJson`; nothing if it is no array. */
export function* itemsOf(text: string): Generator<string> {
  if (text[0] !== "[" || text[1] === "]") return;
  let at = 1;
  while (at < text.length) {
    const end = endOfValue(text, at);
    yield text.slice(at, end);
    at = end + 1;
  }
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (isOpening(code)) depth += 1;
    else if (isClosing(code) && depth === 0) return at;
    else if (isClosing(code)) depth -= 1;
    else if (code === COMMA && depth === 0) return at;
  }
  return text.length;
}

/**
 * The text without white space between tokens. It need not be JSON: that is for the caller to find out.
 * @throws SpkociError `code`, naming `what`, for nesting deeper than 200
 */
export function minifyJson(text: string, what: string, code: ErrorCode = "DOCUMENT_INVALID"): string {
  let minified = "";
  let kept = 0;
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    if (isWhiteSpace(char)) {
      minified += text.slice(kept, at);
      while (isWhiteSpace(text.charCodeAt(at))) at += 1;
      kept = at;
      continue;
    }
    if (isOpening(char)) {
      depth += 1;
      if (depth > NESTING_LIMIT) throw new SpkociError(code, `${what} is nested too deeply`);
    } else if (isClosing(char)) {
      depth -= 1;
    }
    at += 1;
  }
  return minified + text.slice(kept);
}

function isWhiteSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
