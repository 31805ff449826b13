/** What a report's page is given, as the JSON in it. Sizes are bytes; texts are safe to show. */
export interface PageData {
  /** The cache. */
  readonly source: string;
  /** Name and version of the program that made the page. */
  readonly program: string;
  /** What was asked for; empty for all packages. */
  readonly queries: readonly string[];
  /** `platform-os-target`; the first has the most packages. */
  readonly architectures: readonly string[];
  /** By name, version and hash. */
  readonly packages: readonly PagePackage[];
  readonly layers: readonly PageLayer[];
  readonly broken: readonly { readonly image: string; readonly message: string }[];
}

export interface PagePackage {
  readonly name: string;
  readonly version: string;
  readonly hash: string;
  readonly spec: string;
  readonly image: string;
  readonly digest: string;
  /** Position in `architectures`. */
  readonly architecture: number;
  /** Positions in `layers`, the package's own last. */
  readonly layers: readonly number[];
  /** Bytes of manifest and config. */
  readonly documents: number;
  /** When it was pushed or made, ms since 1970; null if that isn't known. */
  readonly created: number | null;
  /** Positions in `packages` of those that it links to or runs. */
  readonly runs: readonly number[];
  /** Positions in `packages` of those that only building or testing it needs. */
  readonly builds: readonly number[];
  /** Dependencies that aren't in the report, `name/hash`; those for building only end in ` (build)`. */
  readonly lacks: readonly string[];
}

export interface PageLayer {
  readonly digest: string;
  readonly size: number;
  /** Position in `packages` of the package that it is of; null for one of a base image or of a package that isn't in the report. */
  readonly package: number | null;
}
