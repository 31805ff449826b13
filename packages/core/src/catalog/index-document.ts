import { SpkociError } from "../base/errors.js";
import { minifyJson, splitObject } from "../spack/lossless-json.js";
import { type IndexRecord, parseIndexRecord } from "./index-record.js";

/** A cache's index (format page, section 5). */
export interface CacheIndex {
  /** Version of Spack's database format, 5 to 8. */
  readonly version: number;
  /** By DAG hash, in the order of the document. */
  readonly installs: ReadonlyMap<string, IndexRecord>;
  /** Members of the database that spkoci doesn't know, by name, as they are written. */
  readonly otherMembers: ReadonlyMap<string, string>;
}

/** The largest index that is read or written, bytes; a string of Node can't be much longer. */
export const INDEX_LIMIT: number = 500 * 1024 * 1024;

const OLDEST = 5;
/** The database version of Spack 1.x. */
export const NEWEST_DATABASE = 8;

const HASH = /^[a-z0-9]{7,64}$/;

/** The index of a cache that has none. */
export const EMPTY_INDEX: CacheIndex = { version: NEWEST_DATABASE, installs: new Map(), otherMembers: new Map() };

/**
 * The index, with the text of every record as it was. A record of unknown form is kept, and counts as not in the
 * cache.
 * @throws SpkociError DOCUMENT_INVALID, naming `what`, for anything but a database of version 5 to 8 with one record
 *   a hash.
 */
export function parseCacheIndex(text: string, what: string): CacheIndex {
  const document = uniqueMembers(minifyJson(text, what), what);
  const database = uniqueMembers(document.get("database") ?? "", what);
  const records = database.get("installs");
  if (!records?.startsWith("{")) throw broken(what, "is not the index of a cache");
  const version = versionIn(database, what);
  const installs = new Map<string, IndexRecord>();
  // One record at a time: all of them as objects would take several times the memory of the text.
  for (const [hash, record] of uniqueMembers(records, what)) {
    if (!HASH.test(hash)) throw broken(what, `has a record under ${JSON.stringify(hash.slice(0, 80))}`);
    installs.set(hash, parseIndexRecord(parsedValue(record, what), record));
  }
  for (const members of [document, database]) {
    for (const [name, value] of members) if (name !== "database" && name !== "installs") parsedValue(value, what);
  }
  database.delete("installs");
  database.delete("version");
  return { version, installs, otherMembers: database };
}

/** The index as Spack writes it: compact JSON in one line. */
export function formatCacheIndex(index: CacheIndex): string {
  const records = [...index.installs].map(([hash, { json }]) => `"${hash}":${json.text}`);
  const others = [...index.otherMembers].map(([name, text]) => `,${JSON.stringify(name)}:${text}`);
  return `{"database":{"version":"${index.version}","installs":{${records.join(",")}}${others.join("")}}}`;
}

/** Packages that the index says are in the cache. */
export function countPackages(index: CacheIndex): number {
  let count = 0;
  for (const record of index.installs.values()) if (record.inBuildcache) count += 1;
  return count;
}

function versionIn(database: ReadonlyMap<string, string>, what: string): number {
  const text = (database.get("version") ?? "").replaceAll('"', "");
  const version = /^\d{1,4}$/.test(text) ? Number(text) : undefined;
  if (version !== undefined && version >= OLDEST && version <= NEWEST_DATABASE) return version;
  const newer = version !== undefined && version > NEWEST_DATABASE;
  throw new SpkociError(
    "DOCUMENT_INVALID",
    `${what} is no database of version ${OLDEST} to ${NEWEST_DATABASE}: it says ${JSON.stringify(text.slice(0, 40))}`,
    { hint: newer ? "A newer Spack wrote it: use a newer spkoci, or --no-update-index." : REBUILD },
  );
}

/**
 * Members of an object by key. Two of one key would mean different things to different readers. The values may be anything but text that
 * makes the object none.
 */
function uniqueMembers(text: string, what: string): Map<string, string> {
  if (text === "") return new Map();
  const split = splitObject(text);
  parsedValue(split.hollow, what);
  const members = new Map<string, string>();
  for (const [keyText, value] of split.members) {
    const key = JSON.parse(keyText) as string;
    if (members.has(key)) throw broken(what, `has two members ${JSON.stringify(key.slice(0, 80))}`);
    members.set(key, value);
  }
  return members;
}

function parsedValue(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SpkociError("DOCUMENT_INVALID", `${what} is not valid JSON`, { cause, hint: REBUILD });
  }
}

/** A hint for an index that can't be read or added to. */
export const REBUILD =
  "Have it written anew from what the cache holds (spkoci update-index --full), or leave it alone (--no-update-index).";

function broken(what: string, why: string): SpkociError {
  return new SpkociError("DOCUMENT_INVALID", `${what} ${why}`, { hint: REBUILD });
}
