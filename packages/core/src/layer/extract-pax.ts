import { isUtf8 } from "node:buffer";

const SPACE = 0x20;
const LINE_FEED = 0x0a;

/** Digits of a record's length; no extended header is that large. */
const MAX_DIGITS = 8;

/**
 * The records of an extended header (POSIX pax, "pax Extended Header"): lines of `<length> <key>=<value>`.
 * undefined unless every byte belongs to a record of exactly the length it says, in UTF-8, and no key comes twice.
 */
export function parsePax(body: Buffer): Map<string, string> | undefined {
  if (body.length === 0 || !isUtf8(body)) return undefined;
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(SPACE, at);
    const length = space < 0 || space - at > MAX_DIGITS ? 0 : parseLength(body.toString("latin1", at, space));
    const end = at + length;
    if (end <= space + 1 || end > body.length || body[end - 1] !== LINE_FEED) return undefined;
    const record = body.toString("utf8", space + 1, end - 1);
    const equals = record.indexOf("=");
    const key = record.slice(0, equals);
    if (equals < 1 || records.has(key)) return undefined;
    records.set(key, record.slice(equals + 1));
    at = end;
  }
  return records;
}

function parseLength(digits: string): number {
  return /^[1-9]\d*$/.test(digits) ? Number(digits) : 0;
}
