import { SpkociError } from "../base/errors.js";
import { formatJson, type JsonValue, RawJson } from "../base/json.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { memberOf, membersOf, parseLosslessJson } from "./lossless-json.js";
import { parseSpecNode } from "./spec-node.js";

/** The version of database that is written: Spack 1.x's. */
const WRITTEN_VERSION = "8";

const EMPTY = `{"database":{"version":"${WRITTEN_VERSION}","installs":{}}}`;

/** Fields of a record, in the order in which Spack writes them behind `spec`. */
export interface RecordFields {
  readonly ref_count: number;
  readonly path: string | null;
  readonly installed: boolean;
  readonly explicit: boolean;
  /** Seconds since 1970. */
  readonly installation_time: number;
  readonly deprecated_for: string | null;
}

/**
 * A database of version 8 that is being changed. Records, members of records and unknown keys that nobody touches keep their text.
 */
export class DatabaseDraft {
  readonly #what: string;
  readonly #text: string;
  /** Text of each record by DAG hash. */
  readonly #records: Map<string, string>;

  /**
   * @param text of index.json; undefined for a store that has none yet
   * @throws SpkociError DATABASE_INVALID, or DATABASE_VERSION for any version but 8, naming `what`
   */
  constructor(text: string | undefined, what: string) {
    const parsed = parseLosslessJson(text ?? EMPTY, what, "DATABASE_INVALID");
    const database = memberOf(parsed.text, "database") ?? "";
    const installs = memberOf(database, "installs") ?? "";
    checkVersion(memberOf(database, "version"), what);
    if (!installs.startsWith("{")) throw invalid(what, 'has no object "installs"');
    this.#what = what;
    this.#text = parsed.text;
    this.#records = new Map(membersOf(installs));
  }

  has(hash: string): boolean {
    return this.#records.has(hash);
  }

  /** A field of a record as it was read; undefined if the record or the field doesn't exist. */
  get<K extends keyof RecordFields>(hash: string, field: K): unknown {
    const text = memberOf(this.#records.get(hash) ?? "", field);
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** DAG hashes that the record depends on by edges of any kind, each once. */
  dependenciesOf(hash: string): readonly string[] {
    const node = memberOf(this.#records.get(hash) ?? "", "spec") ?? "null";
    const context = { version: 5, what: this.#what, code: "DATABASE_INVALID", hash } as const;
    return edgesOf(parseSpecNode(JSON.parse(node), node, context));
  }

  add(hash: string, node: RawJson, fields: RecordFields): void {
    this.#records.set(hash, formatJson({ spec: node, ...fields }));
  }

  change(hash: string, fields: Partial<RecordFields>): void {
    const members: Record<string, JsonValue> = Object.create(null) as Record<string, JsonValue>;
    for (const [key, text] of membersOf(this.#records.get(hash) ?? "")) members[key] = new RawJson(text);
    this.#records.set(hash, formatJson(Object.assign(members, fields)));
  }

  /** Adds to the number of references to a record; the record's new number. */
  count(hash: string, by: 1 | -1): number {
    const now = this.get(hash, "ref_count");
    const counted = Math.max(0, (typeof now === "number" ? now : 0) + by);
    this.change(hash, { ref_count: counted });
    return counted;
  }

  remove(hash: string): void {
    this.#records.delete(hash);
  }

  /** The text of the database as it is now. */
  format(): string {
    const records = [...this.#records].map(([hash, text]) => `${JSON.stringify(hash)}:${text}`);
    const database = withMember(memberOf(this.#text, "database") ?? "", "installs", `{${records.join(",")}}`);
    return withMember(this.#text, "database", database);
  }
}

/** DAG hashes that a spec depends on, each once. */
export function edgesOf(spec: ConcreteSpec): readonly string[] {
  return [...new Set(spec.dependencies.map(({ hash }) => hash))];
}

function checkVersion(text: string | undefined, what: string): void {
  if (text === `"${WRITTEN_VERSION}"` || text === WRITTEN_VERSION) return;
  if (text === undefined) throw invalid(what, "has no version");
  throw new SpkociError(
    "DATABASE_VERSION",
    `${what} has database version ${text.slice(0, 20)}, which spkoci doesn't write`,
    {
      hint: "spkoci writes version 8, that of Spack 1.0 and newer. `spack reindex` of such a Spack upgrades the store; or install under another root.",
    },
  );
}

function invalid(what: string, why: string): SpkociError {
  return new SpkociError("DATABASE_INVALID", `${what} ${why}`, {
    hint: "`spack reindex` writes the database anew from what is installed.",
  });
}

/** An object's text with the value of one member replaced. */
function withMember(object: string, name: string, value: string): string {
  const members = [...membersOf(object)].map(([key, text]) => `${JSON.stringify(key)}:${key === name ? value : text}`);
  return `{${members.join(",")}}`;
}
