import type { InstallRecord, InstallStore } from "./install-store.js";

export interface ClosureOptions {
  /** Only the roots, or only what they depend on; both unless told. */
  readonly only?: "package" | "dependencies" | undefined;
  readonly withBuildDependencies?: boolean | undefined;
}

export interface Closure {
  /** Dependencies before dependents. */
  readonly packages: readonly InstallRecord[];
  /** Dependencies that the database knows but that are not installed. */
  readonly notInstalled: readonly InstallRecord[];
}

export function closureOf(store: InstallStore, roots: readonly InstallRecord[], options: ClosureOptions = {}): Closure {
  throw new Error(`not built yet ${store} ${roots} ${options}`);
}

/**
 * The packages whose layers make up an image over `roots`: non-external ones reachable by link and run edges,
 * dependencies before dependents, in Spack's order.
 */
export function imageLayersOf(
  store: InstallStore,
  roots: InstallRecord | readonly InstallRecord[],
): readonly InstallRecord[] {
  throw new Error(`not built yet ${store} ${roots}`);
}
