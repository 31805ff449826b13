import type { ConcreteSpec } from "./concrete-spec.js";

/** A compiler that a package was built with. */
export interface CompilerUse {
  /** Name of the compiler's package; before Spack 1.0, of the compiler. */
  readonly name: string;
  /** Undefined where the compiler's own spec isn't known. */
  readonly version?: string | undefined;
  /** `c`, `cxx`, `fortran`: what it compiled; empty before Spack 1.0, which doesn't say. */
  readonly languages: readonly string[];
}

const LANGUAGES: ReadonlySet<string> = new Set(["c", "cxx", "fortran"]);

/** What a package was compiled with; empty if nothing was compiled, or nothing says so. */
export function compilersOf(
  spec: ConcreteSpec,
  known: (hash: string) => ConcreteSpec | undefined,
): readonly CompilerUse[] {
  const uses = spec.dependencies.flatMap(({ name, hash, virtuals }) => {
    const languages = virtuals.filter((virtual) => LANGUAGES.has(virtual)).toSorted();
    return languages.length === 0 ? [] : [{ name, version: known(hash)?.version, languages }];
  });
  if (uses.length > 0 || spec.compiler === undefined) return uses.sort((a, b) => (firstOf(a) < firstOf(b) ? -1 : 1));
  return [{ ...spec.compiler, languages: [] }];
}

/** As it stands in a query of Spack 1.x: `%c,cxx=gcc@12.2.0`, or `%gcc@12.2.0` where no language is known. */
export function formatCompiler({ name, version, languages }: CompilerUse): string {
  const compiled = languages.length === 0 ? "" : `${languages.join(",")}=`;
  return `%${compiled}${name}${version === undefined ? "" : `@${version}`}`;
}

function firstOf({ languages }: CompilerUse): string {
  return languages[0] ?? "";
}
