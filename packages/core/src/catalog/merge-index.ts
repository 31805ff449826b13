import type { ConcreteSpec } from "../spack/concrete-spec.js";

/** A package to name in the index, or one that is only depended on. */
export interface IndexEntry {
  readonly spec: Pick<ConcreteSpec, "hash" | "node" | "dependencies" | "specfileVersion">;
  /** True if the cache has the package; false for externals and for dependencies that it lacks. */
  readonly inBuildcache: boolean;
}
