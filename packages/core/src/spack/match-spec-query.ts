import type { ConcreteSpec, Dependency, ParameterValue } from "./concrete-spec.js";
import { MICROARCHITECTURES } from "./microarchitecture.js";
import type { DependencyQuery, ParameterQuery, SpecQuery, TargetRange } from "./spec-query.js";
import { matchesVersion } from "./version-range.js";

/** Finds the spec that an edge leads to by its DAG hash, as far as it is known. */
type Lookup = (hash: string) => ConcreteSpec | undefined;

/** Names of compilers before Spack 1.0, and of the packages that they come from. */
const COMPILER_PACKAGES: ReadonlyMap<string, string> = new Map([
  ["clang", "llvm"],
  ["oneapi", "intel-oneapi-compilers"],
  ["intel", "intel-oneapi-compilers-classic"],
  ["rocmcc", "llvm-amdgpu"],
  ["arm", "acfl"],
]);

const LANGUAGES: readonly string[] = ["c", "cxx", "fortran"];

/**
 * Whether a package is what the query asks for. `^` looks at everything that it reaches by build, link and run edges, as far as `known`
 * does; of a dependency that isn't known, the edge's name and hash are compared.
 */
export function matchesQuery(spec: ConcreteSpec, query: SpecQuery, known: Lookup): boolean {
  const { platform, os } = spec.arch;
  return (
    (query.name === undefined || spec.name === query.name) &&
    (query.namespace === undefined || spec.namespace === query.namespace) &&
    spec.hash.startsWith(query.hash ?? "") &&
    isEmptyOrSome(query.versions, (wish) => matchesVersion(spec.version, wish)) &&
    query.parameters.every((wish) => matchesParameter(spec.parameters.get(wish.name), wish)) &&
    isEmptyOrSome(query.platforms, (wish) => platform === wish) &&
    isEmptyOrSome(query.systems, (wish) => os === wish) &&
    isEmptyOrSome(query.targets, (range) => matchesTarget(spec, range)) &&
    query.dependencies.every((wish) => matchesDependency(spec, wish, known))
  );
}

function isEmptyOrSome<T>(wishes: readonly T[], isMet: (wish: T) => boolean): boolean {
  return wishes.length === 0 || wishes.some(isMet);
}

function matchesParameter(value: ParameterValue | undefined, wish: ParameterQuery): boolean {
  if (value === undefined) return false;
  if ("on" in wish) return String(value).toLowerCase() === String(wish.on);
  const has = Array.isArray(value) ? (value as readonly string[]) : [String(value)];
  if (wish.only && has.length !== new Set(wish.values).size) return false;
  // Patches are named by the beginning of their checksum.
  if (wish.name === "patches") return wish.values.every((one) => has.some((patch) => patch.startsWith(one)));
  return wish.values.every((one) => has.includes(one));
}

function matchesTarget({ arch }: ConcreteSpec, { from, to }: TargetRange): boolean {
  if (from === to && from !== undefined) return arch.target === from;
  const isAbove = from === undefined || arch.family === from || runsProgramsOf(arch.target, from);
  return isAbove && (to === undefined || runsProgramsOf(to, arch.target));
}

function runsProgramsOf(target: string, other: string): boolean {
  return target === other || MICROARCHITECTURES.get(target)?.ancestors.has(other) === true;
}

function matchesDependency(spec: ConcreteSpec, wish: DependencyQuery, known: Lookup): boolean {
  if (wish.direct) {
    return matchesCompiler(spec, wish) || spec.dependencies.some((edge) => matchesEdge(edge, wish, known));
  }
  const seen = new Set<string>([spec.hash]);
  const queue = [spec];
  for (const { dependencies } of queue) {
    for (const edge of dependencies) {
      if (!edge.deptypes.some((kind) => kind !== "test")) continue;
      if (matchesEdge(edge, wish, known)) return true;
      const next = seen.has(edge.hash) ? undefined : known(edge.hash);
      seen.add(edge.hash);
      if (next !== undefined) queue.push(next);
    }
  }
  return false;
}

function matchesEdge(edge: Dependency, { direct, virtuals, deptypes, query }: DependencyQuery, known: Lookup): boolean {
  if (!virtuals.every((one) => edge.virtuals.includes(one))) return false;
  if (!deptypes.every((one) => edge.deptypes.includes(one))) return false;
  if (query.name !== undefined && !isNamed(edge, query, direct)) return false;
  const spec = known(edge.hash);
  if (spec !== undefined) return matchesQuery(spec, { ...query, name: undefined }, known);
  return asksOnlyWhich(query) && edge.hash.startsWith(query.hash ?? "");
}

/** Whether an edge's package has the name or provides what has; which version of a virtual package it provides isn't recorded. */
function isNamed(edge: Dependency, { name = "", versions }: SpecQuery, direct: boolean): boolean {
  if (edge.name === name || (direct && edge.name === COMPILER_PACKAGES.get(name))) return true;
  return versions.length === 0 && edge.virtuals.includes(name);
}

/** Whether a query consists of name and hash. */
function asksOnlyWhich({ name, hash, ...others }: SpecQuery): boolean {
  return Object.values(others).every((part) => part === undefined || part.length === 0);
}

/** For specs from before Spack 1.0, which name their compiler themselves. */
function matchesCompiler({ compiler }: ConcreteSpec, { virtuals, deptypes, query }: DependencyQuery): boolean {
  if (compiler === undefined || query.name === undefined) return false;
  const { name, versions, ...others } = query;
  return (
    packageOf(compiler.name) === packageOf(name) &&
    isEmptyOrSome(versions, (wish) => matchesVersion(compiler.version, wish)) &&
    virtuals.every((one) => LANGUAGES.includes(one)) &&
    deptypes.every((one) => one === "build") &&
    asksOnlyWhich({ ...others, versions: [] }) &&
    query.hash === undefined
  );
}

function packageOf(compiler: string): string {
  return COMPILER_PACKAGES.get(compiler) ?? compiler;
}
