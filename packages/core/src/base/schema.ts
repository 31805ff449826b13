import * as z from "zod";

/** Faults of a document that are told. */
const TOLD = 3;
/** Characters of what is told. */
const LONGEST = 600;

const isText = (value: unknown): value is string => typeof value === "string";

/** A list of strings. A document with a million other values in it has one fault, not a million. */
export const texts: z.ZodType<string[]> = z.custom<string[]>(
  (value) => Array.isArray(value) && value.every(isText),
  "expected a list of strings",
);

/** An object whose members are strings. */
export const textMap: z.ZodType<Record<string, string>> = z.custom<Record<string, string>>(
  (value) => isObject(value) && Object.values(value).every(isText),
  "expected an object of strings",
);

/** A list that is read up to its first item that is none: zod would keep an issue for every one of them. */
export function listOf<T>(item: z.ZodType<T>): z.ZodType<T[]> {
  return z.unknown().transform((value, context): T[] => {
    if (!Array.isArray(value)) return refuse(context, "expected a list");
    const items: T[] = [];
    for (const [at, one] of value.entries()) {
      const parsed = item.safeParse(one);
      if (!parsed.success) return refuse(context, `${whyInvalid(parsed.error)} in item ${at}`);
      items.push(parsed.data);
    }
    return items;
  });
}

/** What is wrong with a document, on one line that is not too long. */
export function whyInvalid(error: z.ZodError): string {
  const told = error.issues.slice(0, TOLD).map(({ message, path }) => {
    const where = path.map((part) => String(part).slice(0, 80)).join(".");
    return where === "" ? message : `${message} at ${where}`;
  });
  if (error.issues.length > TOLD) told.push(`and ${error.issues.length - TOLD} more`);
  const line = told.join("; ").replaceAll(/\s+/g, " ");
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}
