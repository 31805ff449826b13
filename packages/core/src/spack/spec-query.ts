import { SpkociError } from "../base/errors.js";
import type { ConcreteSpec } from "./concrete-spec.js";

/** What a user's spec asks for. */
export interface SpecQuery {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** A version, or the beginning of one. */
  readonly version?: string | undefined;
  /** Only exactly this version, not ones that begin with it. */
  readonly exact: boolean;
  /** Beginning of a DAG hash. */
  readonly hash?: string | undefined;
}

const QUERY =
  /^(?:(?<namespace>[\w.-]+)\.)?(?<name>[A-Za-z0-9_][\w-]*)?(?:@(?<exact>=)?(?<version>[A-Za-z0-9_.=-]+))?(?:\/(?<hash>[a-z0-9]+))?$/;

/**
 * Parses `name`, `name@version`, `name@=version`, `name/hash` or `/hash`; the name may have its namespace in front of it.
 * @throws SpkociError INVALID_ARGUMENT that says what can be written
 */
export function parseSpecQuery(text: string): SpecQuery {
  const { namespace, name, exact, version, hash } = QUERY.exec(text)?.groups ?? {};
  if (name === undefined && (hash === undefined || namespace !== undefined || version !== undefined)) {
    throw new SpkociError(
      "INVALID_ARGUMENT",
      `${JSON.stringify(text.slice(0, 200))} is not a spec that spkoci can look up`,
      {
        hint: "Write name, name@version, name/hash or /hash; `spack find --long` shows the hash of every installed package.",
      },
    );
  }
  return { namespace, name, version, exact: exact !== undefined, hash };
}

/** Whether an installed package is what the query asks for. As in Spack, `@1.2` means 1.2 and everything that begins with 1.2. */
export function matchesQuery(spec: ConcreteSpec, query: SpecQuery): boolean {
  if (query.name !== undefined && spec.name !== query.name) return false;
  if (query.namespace !== undefined && spec.namespace !== query.namespace) return false;
  if (query.hash !== undefined && !spec.hash.startsWith(query.hash)) return false;
  return query.version === undefined || matchesVersion(spec.version, query.version, query.exact);
}

function matchesVersion(version: string, wanted: string, exact: boolean): boolean {
  if (version === wanted) return true;
  // git.REF=1.2 counts as 1.2.
  const assigned = version.slice(version.lastIndexOf("=") + 1);
  if (exact) return assigned === wanted;
  const have = componentsOf(assigned);
  return componentsOf(wanted).every((part, at) => have[at] === part);
}

function componentsOf(version: string): string[] {
  return version.match(/\d+|[A-Za-z]+/g) ?? [version];
}
