import { realpath } from "node:fs/promises";
import { join, posix } from "node:path";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { labelOf } from "./concrete-spec.js";
import { DATABASE_PATH, type Database, type DatabaseRecord, readDatabase } from "./database.js";
import { PathOnDisk } from "./sysroot.js";

/** One record of a store's database. */
export interface InstallRecord {
  readonly spec: ConcreteSpec;
  /** Absolute prefix as Spack recorded it; "" for an external package without a path. */
  readonly prefix: string;
  /** The prefix on this disk: below the sysroot, if there is one. */
  readonly path: string;
  readonly installed: boolean;
  /** Asked for by name, not only as a dependency. */
  readonly explicit: boolean;
  readonly external: boolean;
  /** Seconds since 1970. */
  readonly installationTime?: number | undefined;
  /** DAG hash of the package that replaces this one. */
  readonly deprecatedFor?: string | undefined;
  /** Recorded root of the store that the record comes from: the store's own or an upstream's. */
  readonly root: string;
}

/** Installed packages by DAG hash. */
export interface InstallStore {
  /** Root as Spack recorded it. */
  readonly root: string;
  readonly sysroot?: string | undefined;
  readonly records: ReadonlyMap<string, InstallRecord>;
}

export interface InstallStoreOptions {
  /** Root of the store: the folder that holds `.spack-db`, as recorded. */
  readonly root: string;
  /** The folder that is `/` for all recorded paths. */
  readonly sysroot?: string | undefined;
  /** Roots of upstream stores, nearest first, below the sysroot too. */
  readonly upstreams?: readonly string[] | undefined;
}

/**
 * Reads the databases of a store and its upstreams. A record of the store wins over an upstream's, unless only the upstream's is
 * installed; missing and deprecated packages are records with `installed` false.
 * @throws SpkociError STORE_NOT_FOUND, DATABASE_INVALID or DATABASE_VERSION
 */
export async function readInstallStore(options: InstallStoreOptions, op?: Op): Promise<InstallStore> {
  const disk = new PathOnDisk(options.sysroot);
  const records = new Map<string, InstallRecord>();
  const roots: string[] = [];
  for (const given of [options.root, ...(options.upstreams ?? [])]) {
    const { root, database } = await readOne(given, options.sysroot, disk, op);
    roots.push(root);
    for (const [hash, record] of database.records) {
      const known = records.get(hash);
      if (known !== undefined && (known.installed || !record.installed)) continue;
      records.set(hash, await installRecord(record, root, disk));
    }
  }
  return { root: roots[0] ?? options.root, sysroot: options.sysroot, records };
}

/**
 * The record of a dependency.
 * @throws SpkociError DATABASE_INVALID if the store has none
 */
export function recordOf(store: InstallStore, hash: string, parent: ConcreteSpec): InstallRecord {
  const record = store.records.get(hash);
  if (record !== undefined) return record;
  const name = parent.dependencies.find((edge) => edge.hash === hash)?.name ?? "a package";
  throw new SpkociError(
    "DATABASE_INVALID",
    `${labelOf(parent)} needs ${name}/${hash}, which the database doesn't have`,
    {
      hint: "If it lives in an upstream store, name that store too; else run `spack reindex`.",
    },
  );
}

async function readOne(
  given: string,
  sysroot: string | undefined,
  disk: PathOnDisk,
  op: Op | undefined,
): Promise<{ root: string; database: Database }> {
  const root = posix.join("/", posix.normalize(given)).replace(/(?<=.)\/$/, "");
  const path = await disk.find(root);
  const database = await readDatabase(join(path, DATABASE_PATH), op);
  if (database === undefined) {
    throw new SpkociError("STORE_NOT_FOUND", `no Spack store at ${path}`, {
      hint: `A store is the folder with .spack-db, such as /opt/spack/opt/spack${sysroot === undefined ? "" : ", named as it is recorded, without the sysroot"}.`,
    });
  }
  return { root: await recordedRoot(root, path, database, sysroot), database };
}

/**
 * The root as the database's prefixes have it. It may differ from what was given by symbolic links; if nothing fits, the store lies
 * somewhere else than it was made for.
 */
async function recordedRoot(
  root: string,
  path: string,
  database: Database,
  sysroot: string | undefined,
): Promise<string> {
  const prefixes = [...database.records.values()]
    .filter((record) => record.installed && record.spec.external === undefined)
    .map((record) => record.path ?? "");
  const holds = (candidate: string): boolean => prefixes.some((prefix) => prefix.startsWith(`${candidate}/`));
  if (prefixes.length === 0 || holds(root)) return root;
  if (sysroot === undefined) {
    const real = await realpath(path);
    if (holds(real)) return real;
  }
  const [example = ""] = prefixes;
  throw new SpkociError("STORE_NOT_FOUND", `the store at ${path} was made for another place: it records ${example}`, {
    hint: "If the store lies under another root, say --sysroot DIR, the folder that is / for the recorded paths.",
  });
}

async function installRecord(record: DatabaseRecord, root: string, disk: PathOnDisk): Promise<InstallRecord> {
  const { spec, installed, explicit, installationTime, deprecatedFor } = record;
  const external = spec.external !== undefined;
  const prefix = record.path ?? spec.external?.path ?? "";
  if (!external && installed && prefix === "") {
    throw new SpkociError("DATABASE_INVALID", `the database has no path for ${labelOf(spec)}/${spec.hash}`);
  }
  const path = external || !installed ? prefix : await disk.find(prefix);
  return { spec, prefix, path, installed, explicit, external, installationTime, deprecatedFor, root };
}
