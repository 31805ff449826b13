import { join } from "node:path";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { memberOf, membersOf, parseLosslessJson } from "./lossless-json.js";
import { parseSpecNode } from "./spec-node.js";
import { readTextFile } from "./text-file.js";

/** One record of a database, as it is written. */
export interface DatabaseRecord {
  readonly spec: ConcreteSpec;
  /** Absolute prefix; absent for some external packages. */
  readonly path?: string | undefined;
  readonly installed: boolean;
  readonly explicit: boolean;
  /** Edges of every kind that point at the record. */
  readonly refCount: number;
  /** Seconds since 1970. */
  readonly installationTime?: number | undefined;
  readonly deprecatedFor?: string | undefined;
}

export interface Database {
  /** 5 to 8. */
  readonly version: number;
  /** By DAG hash, in the order of the file. */
  readonly records: ReadonlyMap<string, DatabaseRecord>;
}

/** Database versions that can be read, and the version of spec file that their nodes are written in. */
const SPECFILE_OF_DATABASE: ReadonlyMap<string, number> = new Map([
  ["5", 1],
  ["6", 3],
  ["7", 4],
  ["8", 5],
]);

/** The version of spec file that the nodes of a database, or of a cache's index, of a version are written in. */
export function specfileOfDatabase(version: number): number {
  return SPECFILE_OF_DATABASE.get(String(version)) ?? 0;
}

/** The largest database that is read, bytes. */
const DATABASE_LIMIT = 400 * 1024 * 1024;

/** Where a store keeps its database, from the store's root. */
export const DATABASE_PATH: string = join(".spack-db", "index.json");

/**
 * Reads a store's `.spack-db/index.json` (format page, section 7). Spack replaces the file in one step, so no lock is needed.
 * @returns undefined if the file doesn't exist
 * @throws SpkociError DATABASE_INVALID or DATABASE_VERSION
 */
export async function readDatabase(path: string, op?: Op): Promise<Database | undefined> {
  const text = await readDatabaseText(path, op);
  if (text === undefined) return undefined;
  try {
    return parseDatabase(text, path);
  } catch (error) {
    if (!(error instanceof SpkociError) || error.code !== "DATABASE_INVALID") throw error;
    const hint = "`spack reindex` writes the database anew from what is installed.";
    throw new SpkociError("DATABASE_INVALID", error.message, { hint, cause: error });
  }
}

/**
 * The text of a store's database.
 * @returns undefined if the file doesn't exist
 * @throws SpkociError DATABASE_INVALID if it can't be read
 */
export async function readDatabaseText(path: string, op?: Op): Promise<string | undefined> {
  try {
    return await readTextFile(path, DATABASE_LIMIT, op);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "DOCUMENT_TOO_LARGE" || code === "EACCES" || code === "EISDIR" || code === "EIO") {
      throw new SpkociError("DATABASE_INVALID", `${path} can't be read: ${code}`, { cause: error });
    }
    throw error;
  }
}

/** @throws SpkociError DATABASE_INVALID or DATABASE_VERSION, naming `what` */
export function parseDatabase(text: string, what: string): Database {
  const { value, text: minified } = parseLosslessJson(text, what, "DATABASE_INVALID");
  const database = objectAt(value, "database", what);
  const version = versionOf(database, what);
  const specfile = specfileOfDatabase(version);
  const installs = objectAt(database, "installs", what);
  const rawInstalls = memberOf(memberOf(minified, "database") ?? "", "installs") ?? "";
  const records = new Map<string, DatabaseRecord>();
  for (const [hash, rawRecord] of membersOf(rawInstalls)) {
    const record = objectAt(installs, hash, what);
    const context = { version: specfile, what, code: "DATABASE_INVALID", hash } as const;
    const spec = parseSpecNode(record.spec, memberOf(rawRecord, "spec") ?? "", context);
    records.set(hash, { spec, ...fieldsOf(record, hash, what) });
  }
  return { version, records };
}

function versionOf(database: Readonly<Record<string, unknown>>, what: string): number {
  const { version } = database;
  const text = typeof version === "string" || typeof version === "number" ? String(version) : undefined;
  if (text !== undefined && SPECFILE_OF_DATABASE.has(text)) return Number(text);
  if (text === undefined) throw new SpkociError("DATABASE_INVALID", `${what} has no version`);
  throw new SpkociError("DATABASE_VERSION", `${what} has database version ${JSON.stringify(text.slice(0, 20))}`, {
    hint: "spkoci reads versions 5 to 8. An older one is upgraded by any newer Spack with `spack reindex`.",
  });
}

function fieldsOf(record: Readonly<Record<string, unknown>>, hash: string, what: string): Omit<DatabaseRecord, "spec"> {
  const { path, installed, explicit, ref_count, installation_time, deprecated_for } = record;
  // Old databases write the path of an external package as "None".
  const prefix = typeof path === "string" && path !== "None" && path !== "" ? path : undefined;
  if (prefix !== undefined && !isCleanPath(prefix)) {
    throw new SpkociError("DATABASE_INVALID", `${what}: the path of ${hash} is not a clean absolute path`);
  }
  return {
    path: prefix,
    installed: installed === true,
    explicit: explicit === true,
    refCount: typeof ref_count === "number" ? ref_count : 0,
    installationTime: typeof installation_time === "number" ? installation_time : undefined,
    deprecatedFor: typeof deprecated_for === "string" ? deprecated_for : undefined,
  };
}

/** Absolute, without `..`, and without control characters. */
function isCleanPath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be in it
  return path.startsWith("/") && !path.split("/").includes("..") && !/[\x00-\x1f\x7f]/.test(path);
}

function objectAt(value: unknown, key: string, what: string): Readonly<Record<string, unknown>> {
  const found =
    typeof value === "object" && value !== null && Object.hasOwn(value, key)
      ? (value as Record<string, unknown>)[key]
      : undefined;
  if (typeof found === "object" && found !== null && !Array.isArray(found)) return found as Record<string, unknown>;
  throw new SpkociError("DATABASE_INVALID", `${what} has no object ${JSON.stringify(key.slice(0, 100))}`);
}
