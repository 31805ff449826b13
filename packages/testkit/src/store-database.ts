import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type InstallStore, parseSpecFile, readInstallStore, type SpecFile } from "@spkoci/core";
import { fixturePath } from "./fixture-store.js";

const DATABASE = ".spack-db/index.json";

/** The root of the store of `fixtures/small`, as it is recorded. */
export const SMALL_ROOT = "/opt/spack/opt/spack";

/** A record of a store's database, as it stands there. */
export interface DatabaseRecord {
  readonly spec: { readonly name: string };
  readonly ref_count: number;
  readonly path: string | null;
  readonly installed: boolean;
  readonly explicit: boolean;
  readonly installation_time: number;
  readonly deprecated_for: string | null;
}

export type DatabaseRecords = Readonly<Record<string, DatabaseRecord>>;

/** The records of a store's database by DAG hash. */
export async function recordsOf(root: string): Promise<DatabaseRecords> {
  const text = await readFile(join(root, DATABASE), "utf8");
  return JSON.parse(text).database.installs as DatabaseRecords;
}

/** What records say of references, by the names of packages. */
export function referencesOf(
  records: DatabaseRecords,
): Record<string, Pick<DatabaseRecord, "ref_count" | "installed">> {
  return Object.fromEntries(
    Object.values(records).map(({ spec, ref_count, installed }) => [spec.name, { ref_count, installed }]),
  );
}

/** The database of Spack's small store, without prefixes; in `folder`, where it doesn't lie under its own root. */
export async function readSmallStore(folder: string): Promise<InstallStore> {
  const sysroot = join(folder, "real");
  await mkdir(join(sysroot, SMALL_ROOT, ".spack-db"), { recursive: true });
  await writeFile(join(sysroot, SMALL_ROOT, DATABASE), await readFile(fixturePath("small/store-index.json")));
  return readInstallStore({ root: SMALL_ROOT, sysroot });
}

/** The DAG hash that `specOf` gives a package. */
export function hashOfName(name: string): string {
  return name.padEnd(32, "a");
}

/** A spec of packages that need each other, such as `{ top: ["lib"], lib: [] }`; the first is the root. */
export function specOf(
  dependencies: Readonly<Record<string, readonly string[]>>,
  extra: Readonly<Record<string, object>> = {},
): SpecFile {
  const nodes = Object.entries(dependencies).map(([name, needs]) => ({
    name,
    version: "1",
    arch: { platform: "linux", platform_os: "debian12", target: "x86_64" },
    dependencies: needs.map((need) => ({
      name: need,
      hash: hashOfName(need),
      parameters: { deptypes: ["build", "link"], virtuals: [] },
    })),
    ...extra[name],
    hash: hashOfName(name),
  }));
  return parseSpecFile(JSON.stringify({ spec: { _meta: { version: 5 }, nodes } }), "spec");
}

/** A package that is installed under a root. */
export interface PlannedInstall {
  readonly spec: Pick<SpecFile, "root" | "nodes">;
  readonly prefix: string;
  readonly explicit: boolean;
  /** Seconds since 1970. */
  readonly installationTime: number;
}

export const INSTALLATION_TIME = 1795229376.5;

/** The root of a spec, where a store would have it. */
export function installFor(spec: PlannedInstall["spec"], root: string, explicit = true): PlannedInstall {
  const prefix = join(root, "linux-x86_64", `${spec.root.name}-1-${spec.root.hash}`);
  return { spec, prefix, explicit, installationTime: INSTALLATION_TIME };
}
