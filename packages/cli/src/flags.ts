/** Options that every command takes. */
export interface GlobalFlags {
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
  /** False for --no-color. */
  readonly color?: boolean;
  readonly debug?: boolean;
  readonly config?: string;
}

/** Options about the connection to registries. */
export interface ConnectionFlags {
  readonly plainHttp?: boolean;
  readonly caFile?: string;
  readonly insecureSkipVerify?: boolean;
  readonly retries?: string;
}

/** Options of push; texts are as they were typed. */
export interface PushFlags extends ConnectionFlags {
  readonly chunkSize?: string;
  readonly store?: string;
  readonly sysroot?: string;
  readonly upstream?: readonly string[];
  readonly all?: boolean;
  readonly environment?: readonly string[];
  readonly only?: string;
  readonly withBuildDependencies?: boolean;
  readonly force?: boolean;
  readonly baseImage?: string;
  readonly platform?: string;
  readonly tag?: string;
  readonly runEnv?: string;
  readonly setEnv?: readonly string[];
  readonly entrypoint?: string;
  readonly cmd?: string;
  readonly user?: string;
  readonly workdir?: string;
  readonly label?: readonly string[];
  readonly source?: string;
  readonly compression?: string;
  readonly compressionLevel?: string;
  readonly jobs?: string;
  readonly cacheDir?: string;
  readonly verifyCache?: boolean;
  /** False for --no-update-index. */
  readonly updateIndex?: boolean;
  readonly failFast?: boolean;
  readonly dryRun?: boolean;
}

/** Options of install; texts are as they were typed. */
export interface InstallFlags extends ConnectionFlags {
  readonly from?: readonly string[];
  readonly view?: string;
  readonly root?: string;
  /** False for --no-deps. */
  readonly deps?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly aliasDir?: string;
  readonly allowUnrelocatable?: boolean;
  readonly jobs?: string;
  readonly cacheDir?: string;
  /** False for --no-cache. */
  readonly cache?: boolean;
}

/** Options about how packages are shown. */
export interface PackageFlags {
  readonly long?: boolean;
  readonly veryLong?: boolean;
  readonly variants?: boolean;
  readonly deps?: boolean;
  readonly format?: string;
}

/** Options of copy; texts are as they were typed. */
export interface CopyFlags extends ConnectionFlags {
  readonly chunkSize?: string;
  /** False for --no-deps. */
  readonly deps?: boolean;
  readonly tag?: readonly string[];
  readonly allTags?: boolean;
  readonly tar?: string;
  readonly jobs?: string;
  /** False for --no-update-index. */
  readonly updateIndex?: boolean;
  readonly dryRun?: boolean;
}

/** Options of prune; texts are as they were typed. */
export interface PruneFlags extends ConnectionFlags {
  readonly keep?: readonly string[];
  readonly keepEnv?: readonly string[];
  readonly keepTag?: readonly string[];
  readonly newerThan?: string;
  readonly withBuildDependencies?: boolean;
  readonly grace?: string;
  readonly allTags?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly jobs?: string;
  readonly githubApi?: string;
}

/** Options of find. */
export interface FindFlags extends PackageFlags {
  readonly root?: string;
}

/** Options of list. */
export interface ListFlags extends PackageFlags, ConnectionFlags {
  readonly allArch?: boolean;
}

/** Options of show. */
export interface ShowFlags extends ConnectionFlags {
  readonly measure?: boolean;
}

/** Options of tree. */
export interface TreeFlags extends Pick<PackageFlags, "long" | "veryLong" | "variants">, ConnectionFlags {
  readonly allArch?: boolean;
  readonly allDeps?: boolean;
}

/** Options of uninstall. */
export interface UninstallFlags {
  readonly root?: string;
  readonly dependents?: boolean;
  readonly dryRun?: boolean;
}

/** Options of verify. */
export interface VerifyFlags {
  readonly root?: string;
}

/** What can be done with the local cache. */
export type CacheAction = "info" | "clean";

/** Options of cache. */
export interface CacheFlags {
  readonly cacheDir?: string;
}

/** Options of env. */
export interface EnvFlags {
  readonly root?: string;
  readonly sh?: boolean;
  readonly csh?: boolean;
  readonly fish?: boolean;
}

/** Options of run. */
export interface RunFlags extends ConnectionFlags {
  readonly root?: string;
  readonly from?: readonly string[];
  readonly aliasDir?: string;
}

/** Options of report; texts are as they were typed. */
export interface ReportFlags extends ConnectionFlags {
  readonly output?: string;
  readonly jobs?: string;
}

/** Options of update-index; texts are as they were typed. */
export interface UpdateIndexFlags extends ConnectionFlags {
  readonly full?: boolean;
  readonly dryRun?: boolean;
  readonly jobs?: string;
}

/** Options of check; jobs as it was typed. */
export interface CheckFlags extends ConnectionFlags {
  readonly level?: "index" | "manifests" | "blobs" | "contents";
  readonly repair?: boolean;
  readonly jobs?: string;
}

/** Options of login. */
export interface LoginFlags extends ConnectionFlags {
  readonly username?: string;
  readonly passwordStdin?: boolean;
}
