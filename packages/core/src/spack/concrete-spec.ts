import type { RawJson } from "../base/json.js";

/** An edge to another package of the same DAG. */
export interface Dependency {
  readonly name: string;
  /** DAG hash. */
  readonly hash: string;
  /** `build`, `link`, `run`, `test`. */
  readonly deptypes: readonly string[];
  /** Virtual packages that the dependency provides here, such as `mpi`. */
  readonly virtuals: readonly string[];
}

/** What a package was built for, in Spack's words. */
export interface Architecture {
  /** `linux`, `darwin`. */
  readonly platform: string;
  /** `debian12`. */
  readonly os: string;
  /** `x86_64_v3`, `zen2`. */
  readonly target: string;
  /** The generic family of the target: `x86_64`, `aarch64`, … */
  readonly family: string;
}

/** A variant's or flag's value. */
export type ParameterValue = boolean | string | readonly string[];

/** One package as Spack knows it. `node` holds the JSON as it was read, since the DAG hash is of its bytes. */
export interface ConcreteSpec {
  readonly name: string;
  /** As Spack writes it: `1.2.3`, or `git.REF=1.2.3`. */
  readonly version: string;
  /** DAG hash. */
  readonly hash: string;
  readonly namespace?: string | undefined;
  readonly arch: Architecture;
  /** Present for a package that Spack didn't install; `path` is absent if only modules are known. */
  readonly external?: { readonly path?: string | undefined } | undefined;
  readonly dependencies: readonly Dependency[];
  /** DAG hash of the spec it was built as, for a spliced one. */
  readonly buildSpec?: string | undefined;
  /** Variants and compiler flags. */
  readonly parameters: ReadonlyMap<string, ParameterValue>;
  /** Names of parameters that are passed on to dependencies. */
  readonly propagated: ReadonlySet<string>;
  /** Of a node made up to spec file version 4; later, compilers are dependencies. */
  readonly compiler?: { readonly name: string; readonly version: string } | undefined;
  /** Version of spec file that the node is written in. */
  readonly specfileVersion: number;
  /** Version that the DAG hash was made under: an older one where a newer Spack has rewritten the node. */
  readonly originalSpecfileVersion: number;
  /** The node as read, without white space, with its `hash`. */
  readonly node: RawJson;
}

/** `name@version`, for messages. */
export function labelOf(spec: ConcreteSpec): string {
  return `${spec.name}@${spec.version}`;
}
