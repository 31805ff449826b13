import { SpkociError } from "@spkoci/core";
import fc from "fast-check";

/**
 * How many inputs a property gets and with which seed: as many as said, times SPKOCI_FUZZ (1 unless set), and the seed SPKOCI_FUZZ_SEED or
 * a new one. Both are printed, so that a run can be repeated.
 */
export function fuzzing(name: string, runs: number): fc.Parameters<unknown> {
  const numRuns = Math.ceil(runs * Number(process.env.SPKOCI_FUZZ ?? 1));
  const seed = Number(process.env.SPKOCI_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${name}: ${numRuns} inputs, SPKOCI_FUZZ_SEED=${seed}`);
  return { numRuns, seed };
}

/** Texts as somebody would make them who means harm: escapes, odd Unicode, paths, names of prototypes, long ones. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom(
    ...[
      "",
      "..",
      "../../etc/passwd",
      "/etc/passwd",
      "\u001b[2J",
      "\u001b]0;owned\u0007",
      "a\nb",
      "\r",
      "\0",
      "\u009b2J",
    ],
    ...[
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "\ufeff",
      "\u202e",
      "\ud800",
      "-rf",
      "x".repeat(5000),
    ],
    ...[
      "sha256:",
      `sha256:${"a".repeat(64)}`,
      "a".repeat(32),
      "1e999",
      "NaN",
      "true",
      "null",
      "http://127.0.0.1:1/",
      "file:///etc/passwd",
    ],
  ),
);

const hostileNumber = fc.oneof(
  fc.constantFrom(0, -0, -1, 1.5, 2 ** 31, 2 ** 53, 2 ** 64, 1e308, -1e308, 5e-324),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** Anything that JSON can hold. */
export const hostileValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false),
    hostileNumber,
    hostileText,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(hostileText, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

/** A change of a sound document: some of its values are others, are gone, or come twice. */
export interface Mutation {
  /** Chooses a value: this share of all values of the document, in their order. */
  readonly at: number;
  readonly kind: "replace" | "remove" | "add";
  readonly key: string;
  readonly value: unknown;
}

export const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    kind: fc.constantFrom("replace", "remove", "add"),
    key: hostileText,
    value: hostileValue,
  }),
  { minLength: 1, maxLength: 4 },
);

/** The JSON text of a document with these changes. */
export function mutated(document: unknown, changes: readonly Mutation[]): string {
  const copy = { root: structuredClone(document) } as Record<string, unknown>;
  for (const change of changes) {
    const places = placesIn(copy);
    const place = places[Math.floor(change.at * places.length)];
    if (place !== undefined) apply(place, change);
  }
  return JSON.stringify(copy.root) ?? "";
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function placesIn(holder: Record<string, unknown>): Place[] {
  return Object.keys(holder).flatMap((key) => {
    const value = holder[key];
    const below = typeof value === "object" && value !== null ? placesIn(value as Record<string, unknown>) : [];
    return [{ holder, key }, ...below];
  });
}

function apply({ holder, key }: Place, { kind, key: added, value }: Mutation): void {
  if (kind === "replace") holder[key] = value;
  else if (kind === "remove" && key !== "root") delete holder[key];
  else Object.defineProperty(holder, added, { value, enumerable: true, configurable: true, writable: true });
}

/** Control characters, and what breaks or reorders a line. */
export const CONTROL: RegExp = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/** What `task` returns, or the error that it throws, which must be one of spkoci's own and fit to be shown. */
export function surviving<T>(task: () => T): T | SpkociError {
  try {
    return task();
  } catch (error) {
    return ownError(error);
  }
}

/** `surviving` for a task that takes its time. */
export async function survivingLater<T>(task: () => Promise<T>): Promise<T | SpkociError> {
  try {
    return await task();
  } catch (error) {
    return ownError(error);
  }
}

function ownError(error: unknown): SpkociError {
  if (!(error instanceof SpkociError) || error.code === "INTERNAL") throw error;
  if (CONTROL.test(error.message) || error.message.length > 5000) {
    throw new Error(`not fit to be shown: ${JSON.stringify(error.message.slice(0, 500))}`);
  }
  return error;
}

/** Pieces that headers are made of. */
const piece = fc.oneof(
  hostileText,
  fc.constantFrom(
    ...[
      "Bearer ",
      "Basic ",
      "realm=",
      '"',
      "\\",
      ",",
      ";",
      "=",
      "<",
      ">",
      "rel=",
      "next",
      "299 - ",
      "scope=",
      "service=",
      " ",
      "\t",
      "error=",
    ],
  ),
);
/** What a header may hold, good or bad. */
export const hostileHeader: fc.Arbitrary<string> = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(""));
