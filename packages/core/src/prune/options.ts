import type { RegistryAccess } from "../registry/access.js";
import type { GitHubAccess } from "../registry/github-packages.js";
import type { PrunePlan } from "./result.js";

/** Which packages of which cache stay. */
export interface PruneOptions {
  /** The cache: `ghcr.io/org/cache`, `oci+http://HOST/PATH` or `oci:DIR`. */
  readonly target: string;
  readonly access?: RegistryAccess | undefined;
  /** Specs as Spack writes them; every package of the cache that matches one is a root. */
  readonly keep?: readonly string[] | undefined;
  /** Files spack.lock, or folders that hold one; what the environments' roots reach stays. */
  readonly keepEnvironments?: readonly string[] | undefined;
  /** Tags whose images are roots; `*` stands for any characters, `?` for one. */
  readonly keepTags?: readonly string[] | undefined;
  /** Packages built, or if that isn't told written, in the last so many ms are roots; so are those of unknown age. */
  readonly newerThanMs?: number | undefined;
  /** What roots need to be built stays too, not only what they need to run. */
  readonly withBuildDependencies?: boolean | undefined;
  /** Images under tags that aren't packages' go too, unless they are roots. Otherwise they stay, and so do packages that they are of. */
  readonly allTags?: boolean | undefined;
  /** What was written in the last so many ms stays; an hour unless told. */
  readonly graceMs?: number | undefined;
  /** Requests at once; 8 unless told. */
  readonly jobs?: number | undefined;
  /** For GitHub's registry, which deletes by GitHub's API only. */
  readonly gitHub?: GitHubAccess | undefined;
  /** Asked before anything is removed. Without it nobody is. */
  readonly confirm?: ((plan: PrunePlan) => Promise<boolean>) | undefined;
}
