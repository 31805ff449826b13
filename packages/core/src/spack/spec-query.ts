import type { VersionWish } from "./version-range.js";

/** What a user's spec asks for. What is absent or empty may be anything. */
export interface SpecQuery {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** Beginning of a DAG hash. */
  readonly hash?: string | undefined;
  /** One of them must be met. */
  readonly versions: readonly VersionWish[];
  /** Variants and compiler flags. */
  readonly parameters: readonly ParameterQuery[];
  readonly platforms: readonly string[];
  readonly systems: readonly string[];
  readonly targets: readonly TargetRange[];
  readonly dependencies: readonly DependencyQuery[];
}

/** A variant or flag that must be on or off, or have values: all of these, and only these if `only`. No values: the variant exists. */
export type ParameterQuery =
  | { readonly name: string; readonly on: boolean }
  | { readonly name: string; readonly values: readonly string[]; readonly only: boolean };

/** Targets that run `from`'s programs and whose programs `to` runs; the same name twice is that target alone. */
export interface TargetRange {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export interface DependencyQuery {
  /** `%`: a dependency of the package itself; `^`: of anything that it needs, too. */
  readonly direct: boolean;
  /** Virtual packages that it provides to whatever depends on it. */
  readonly virtuals: readonly string[];
  /** Kinds of edge that lead to it, all of them. */
  readonly deptypes: readonly string[];
  readonly query: SpecQuery;
}
