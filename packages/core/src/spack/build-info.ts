import type { InstallRecord, InstallStore } from "./install-store.js";

/** What `.spack/binary_distribution` of a tarball says (format page, section 4). */
export interface BuildInfo {
  /** Root of the store that the package was built in. */
  readonly buildpath: string;
  readonly hardlinksDeduped: boolean;
  /** DAG hash to prefix, in Spack's order. */
  readonly hashToPrefix: ReadonlyMap<string, string>;
  readonly relativePrefix: string;
  readonly relocateBinaries: readonly string[];
  readonly relocateLinks: readonly string[];
  readonly relocateTextfiles: readonly string[];
  readonly sbangInstallPath?: string | undefined;
  readonly spackprefix?: string | undefined;
}

/** Paths in the prefix that a scan found to need relocation. */
export interface RelocatableFiles {
  readonly binaries: readonly string[];
  readonly textFiles: readonly string[];
  readonly links: readonly string[];
}

export function formatBuildInfo(info: BuildInfo): string {
  throw new Error(`not built yet ${info}`);
}

export function parseBuildInfo(text: string): BuildInfo {
  throw new Error(`not built yet ${text}`);
}

export function buildInfoOf(store: InstallStore, record: InstallRecord, found: RelocatableFiles): BuildInfo {
  throw new Error(`not built yet ${store} ${record} ${found}`);
}

/** The paths that a scan of the prefix looks for: prefixes of `info`, sbang, and the root. */
export function relocationNeedles(info: Omit<BuildInfo, "relocateBinaries">): readonly string[] {
  throw new Error(`not built yet ${info}`);
}
