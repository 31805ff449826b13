/** Members of an object of parsed JSON, of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** Says what a document has in place of what was expected, and where. */
export class Malformed extends Error {}

type Read<T> = (value: unknown, where: string) => T;

/** The functions of this file check what a zod schema would, in a tenth of the time: there are thousands of nodes in an index. */
export function fieldsOf(value: unknown, where: string): Fields {
  return isFields(value) ? value : refuse("expected an object", where);
}

/** @throws Malformed, as the other functions do */
export function textOf(value: unknown, where: string): string {
  return typeof value === "string" ? value : refuse("expected a string", where);
}

/** @param why the message for a text that doesn't match */
export function matchingText(value: unknown, pattern: RegExp, why: string, where: string): string {
  const text = textOf(value, where);
  return pattern.test(text) ? text : refuse(why, where);
}

export function textsOf(value: unknown, where: string): readonly string[] {
  return Array.isArray(value) && value.every(isText) ? value : refuse("expected a list of strings", where);
}

/** Undefined for a member that is absent or null. */
export function optional<T>(value: unknown, where: string, read: Read<T>): T | undefined {
  return value === undefined || value === null ? undefined : read(value, where);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(why: string, where: string): never {
  throw new Malformed(where === "" ? why : `${why} at ${where}`);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
