import type { CacheListing } from "../catalog/list-packages.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";

/** Finds who needs a package among those of a cache. */
export class Dependents {
  readonly #packages: ReadonlyMap<string, ConcreteSpec>;
  readonly #parents = new Map<string, string[]>();

  constructor({ packages, known }: CacheListing) {
    this.#packages = new Map(packages.map((spec) => [spec.hash, spec]));
    for (const spec of known.values()) {
      for (const { hash, deptypes } of spec.dependencies) {
        if (!deptypes.includes("link") && !deptypes.includes("run")) continue;
        const parents = this.#parents.get(hash);
        if (parents === undefined) this.#parents.set(hash, [spec.hash]);
        else parents.push(spec.hash);
      }
    }
  }

  /** The cache's packages that reach a package by link and run edges, without itself. */
  of(hash: string): ConcreteSpec[] {
    const reached = new Set([hash]);
    for (const one of reached) for (const parent of this.#parents.get(one) ?? []) reached.add(parent);
    reached.delete(hash);
    return [...reached].flatMap((one) => this.#packages.get(one) ?? []);
  }
}
