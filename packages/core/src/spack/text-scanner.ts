import { SpkociError } from "../base/errors.js";

/** Characters of the text that a message shows. */
const SHOWN = 200;

/** Reads a short text from its beginning to its end, piece by piece. */
export class TextScanner {
  readonly #text: string;
  readonly #kind: string;
  #at = 0;

  /** @param kind what the text is meant to be, for messages */
  constructor(text: string, kind = "spec") {
    this.#text = text;
    this.#kind = kind;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** Passes over what the sticky pattern matches here, and gives it; stays where it is if there is no match. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    if (found !== undefined) this.#at = pattern.lastIndex;
    return found;
  }

  /** The first group of what the sticky pattern matches here; else fails. */
  expect(pattern: RegExp, expected: string): string {
    return this.take(pattern)?.[1] ?? this.fail(expected);
  }

  /**
   * @param expected what could stand here instead: half a sentence for the hint
   * @throws SpkociError INVALID_ARGUMENT, which points at the character where the scanner is, counted from 1
   */
  fail(expected: string): never {
    const found = this.#text.codePointAt(this.#at);
    const where = found === undefined ? "(its end)" : `(${quoted(String.fromCodePoint(found))})`;
    const shown = quoted(this.#text.slice(0, SHOWN));
    throw new SpkociError(
      "INVALID_ARGUMENT",
      `${shown} is no ${this.#kind}: error at character ${this.#at + 1} ${where}`,
      {
        hint: `Expected ${expected}.`,
      },
    );
  }
}

/** In quotes, with everything that a terminal might obey written as an escape. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
