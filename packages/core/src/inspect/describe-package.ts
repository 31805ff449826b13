import { type CompilerUse, compilersOf } from "../spack/compilers-of.js";
import type { ConcreteSpec, Dependency, ParameterValue } from "../spack/concrete-spec.js";
import { formatSpec } from "../spack/format-spec.js";

/** A package in plain data. */
export interface PackageDescription {
  readonly name: string;
  readonly version: string;
  /** DAG hash. */
  readonly hash: string;
  readonly namespace?: string | undefined;
  readonly arch: { readonly platform: string; readonly os: string; readonly target: string };
  /** What it was compiled with. */
  readonly compilers: readonly CompilerUse[];
  /** Variants and compiler flags. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** The spec on one line, as Spack formats it. */
  readonly spec: string;
  /** Edges of every kind, in Spack's order. */
  readonly dependencies: readonly Dependency[];
}

/** @param known finds dependencies by their DAG hash: compilers have their version there */
export function describePackage(
  spec: ConcreteSpec,
  known: (hash: string) => ConcreteSpec | undefined,
): PackageDescription {
  const { name, version, hash, namespace, arch, parameters, dependencies } = spec;
  return {
    name,
    version,
    hash,
    namespace,
    arch: { platform: arch.platform, os: arch.os, target: arch.target },
    compilers: compilersOf(spec, known),
    parameters: Object.fromEntries(parameters),
    spec: formatSpec(spec),
    dependencies,
  };
}
