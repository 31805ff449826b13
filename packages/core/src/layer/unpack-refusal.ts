import { SpkociError } from "../base/errors.js";

/** Longest part of a name that a message shows, in characters. */
const SHOWN = 300;

/** Control characters that JSON leaves as they are, and those that change the direction of text. */
const INVISIBLE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Why an archive is refused, before it is known whose archive it is. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** Where in the archive, as a message says it; undefined if that is not known. */
  readonly #where: string | undefined;

  private constructor(reason: string, where: string | undefined, cause?: unknown) {
    super(reason, cause === undefined ? {} : { cause });
    this.#where = where;
  }

  /** @param entry name of the entry at fault, as it stands in the archive */
  static at(entry: string, reason: string): Refusal {
    return new Refusal(reason, ` at ${quoted(entry)}`);
  }

  /** @param last name of the last entry before the fault; undefined if there was none */
  static after(last: string | undefined, reason: string): Refusal {
    return new Refusal(reason, last === undefined ? undefined : ` after ${quoted(last)}`);
  }

  /** For a fault of the archive as a whole, or one in a place that is not known. */
  static of(reason: string, cause?: unknown): Refusal {
    return new Refusal(reason, undefined, cause);
  }

  /**
   * @param what names the archive
   * @param last name of the entry that was begun last, shown if nothing better is known
   */
  toError(what: string, last?: string): SpkociError {
    const where = this.#where ?? (last === undefined ? "" : ` after ${quoted(last)}`);
    return new SpkociError("ARCHIVE_REFUSED", `${what} is refused${where}: ${this.message}`, {
      cause: this.cause,
      hint: "Nothing of it was kept. Ask whoever pushed it, or install from another cache.",
    });
  }
}

/** A name in quotes, shortened, that shows what can't be seen as `\uXXXX`. */
function quoted(name: string): string {
  const shown = name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name;
  return JSON.stringify(shown).replace(INVISIBLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
