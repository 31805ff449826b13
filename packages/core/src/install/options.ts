import type { RegistryAccess } from "../registry/access.js";

/** Where packages come from, where they go and how. `sources`, `specs`, `root` and `cacheDir` are needed. */
export interface InstallOptions {
  /** Caches in order of preference: `ghcr.io/org/cache`, `oci://…`, `oci+http://…` or `oci:DIR`. */
  readonly sources: readonly string[];
  /** As in Spack: `name`, `name@1.2:`, `name+variant`, `/hash`. */
  readonly specs: readonly string[];
  /** The store to install into, an absolute path; made if it doesn't exist. */
  readonly root: string;
  readonly access?: RegistryAccess | undefined;
  /** Folder of the local cache, in which what was downloaded stays. */
  readonly cacheDir: string;
  /** Neither use nor fill the local cache. */
  readonly noCache?: boolean | undefined;
  /** Only the packages themselves; their dependencies must be installed. */
  readonly noDeps?: boolean | undefined;
  /** Install again what is installed. */
  readonly force?: boolean | undefined;
  /**
   * A short absolute folder that stays, for links to prefixes: strings in binaries that can't hold the new prefix get such a link's path.
   * The store remembers it. Unless given, such links are in the root, which does for roots of moderate length.
   */
  readonly aliasDir?: string | undefined;
  /** Leave strings in binaries that can't hold the new prefix as they are, with a warning for each. */
  readonly allowUnrelocatable?: boolean | undefined;
  /** Variables: PATH leads to the python3 or perl that holds the store's lock. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Packages at once. */
  readonly jobs?: number | undefined;
}
