import type { Op } from "../base/op.js";
import type { ConcreteSpec } from "./concrete-spec.js";

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
  readonly root: string;
  readonly sysroot?: string | undefined;
  readonly upstreams?: readonly string[] | undefined;
}

export async function readInstallStore(options: InstallStoreOptions, op?: Op): Promise<InstallStore> {
  throw new Error(`not built yet ${options.root} ${op}`);
}
