/** One challenge of a WWW-Authenticate header (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
/** More than the grammar allows: a URL may stand there too. */
const UNQUOTED = /[^\s,"]+/y;
const SEPARATOR = /[\s,]*/y;
const EQUALS = /[ \t]*=[ \t]*/y;
const SPACE = /[ \t]+/y;

/** Every challenge of the header, in order; what breaks the grammar ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const scan = new Scanner(header);
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (;;) {
    scan.take(SEPARATOR);
    const name = scan.take(TOKEN);
    if (name === undefined) return challenges;
    const current = challenges.at(-1);
    if (current && scan.take(EQUALS) !== undefined) {
      const value = scan.takeValue();
      if (value === undefined) return challenges;
      const key = name.toLowerCase();
      if (!current.parameters.has(key)) current.parameters.set(key, value);
      continue;
    }
    challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    if (scan.take(SPACE) !== undefined && !scan.looksLikeParameter()) scan.take(TOKEN68);
  }
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** What the sticky pattern matches here, if it does. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (!match) return undefined;
    this.#at = pattern.lastIndex;
    return match[0];
  }

  takeValue(): string | undefined {
    const quoted = this.take(QUOTED);
    return quoted === undefined ? this.take(UNQUOTED) : quoted.slice(1, -1).replace(/\\(.)/gs, "$1");
  }

  looksLikeParameter(): boolean {
    const start = this.#at;
    const parameter = this.take(TOKEN) !== undefined && this.take(EQUALS) !== undefined && this.#followedByValue();
    this.#at = start;
    return parameter;
  }

  #followedByValue(): boolean {
    return this.#at < this.#text.length && this.#text[this.#at] !== "," && this.#text[this.#at] !== "=";
  }
}
