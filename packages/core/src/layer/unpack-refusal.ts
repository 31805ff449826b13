import { SpkociError } from "../base/errors.js";

/** Longest part of a name that a message shows, in characters. */
const SHOWN = 300;

/** Control characters that JSON leaves as they are, and those that change the direction of text. */
const INVISIBLE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Why an archive is refused, before it is known whose archive it is. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly entry: string | undefined;

  /** @param entry name of the entry at fault, as it stands in the archive */
  constructor(reason: string, entry?: string, cause?: unknown) {
    super(reason, cause === undefined ? {} : { cause });
    this.entry = entry;
  }

  /**
   * @param what names the archive
   * @param last the entry that was begun last, for faults that are no entry's own
   */
  toError(what: string, last: string | undefined): SpkociError {
    const after = last === undefined ? "" : ` after ${quoted(last)}`;
    const where = this.entry === undefined ? after : ` at ${quoted(this.entry)}`;
    return new SpkociError("ARCHIVE_REFUSED", `${what} is refused${where}: ${this.message}`, {
      cause: this.cause,
      hint: "Nothing of it was kept. Ask whoever pushed it, or install from another cache.",
    });
  }
}

/** A name in quotes, shortened, that shows what can't be seen as `\uXXXX`. */
export function quoted(name: string): string {
  const shown = name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name;
  return JSON.stringify(shown).replace(INVISIBLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
