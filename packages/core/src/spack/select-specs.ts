import { SpkociError } from "../base/errors.js";
import { nearestNames } from "../base/nearest.js";
import type { Op } from "../base/op.js";
import { labelOf } from "./concrete-spec.js";
import { type EnvironmentRoot, readEnvironmentRoots } from "./environment-lock.js";
import type { InstallRecord, InstallStore } from "./install-store.js";
import { matchesQuery } from "./match-spec-query.js";
import { parseSpecQuery } from "./parse-spec-query.js";
import type { SpecQuery } from "./spec-query.js";

export interface SpecChoice {
  /** Specs as Spack writes them; each must match one installed package. */
  readonly specs?: readonly string[] | undefined;
  /** Every installed package. */
  readonly all?: boolean | undefined;
  /** Folders with a spack.lock, whose roots are chosen. */
  readonly environments?: readonly string[] | undefined;
}

/** Lines of candidates that a message shows. */
const SHOWN = 20;

/**
 * The installed packages that the user means, each once, in the order asked for. External packages can't be chosen.
 * @throws SpkociError INVALID_ARGUMENT for a spec that can't be parsed or for no choice at all, SPEC_NOT_FOUND, AMBIGUOUS_SPEC,
 * ENVIRONMENT_INVALID
 */
export async function selectSpecs(store: InstallStore, choice: SpecChoice, op?: Op): Promise<readonly InstallRecord[]> {
  const { specs = [], all = false, environments = [] } = choice;
  if (specs.length === 0 && environments.length === 0 && !all) {
    throw new SpkociError("INVALID_ARGUMENT", "no packages are chosen", {
      hint: "Name packages (such as zlib or /abcdefg), or say --all or --environment DIR.",
    });
  }
  const chosen = specs.map((text) => selectOne(store, text));
  for (const folder of environments) {
    chosen.push(...rootsIn(store, folder, await readEnvironmentRoots(folder, op)));
  }
  return [...new Set(all ? [...chosen, ...installedIn(store)] : chosen)];
}

/**
 * Every installed package that one of the specs means, or simply every one if there are none, in the order of the database. External
 * packages are left out.
 * @throws SpkociError INVALID_ARGUMENT for a spec that can't be parsed, SPEC_NOT_FOUND for one that no package matches
 */
export function findSpecs(store: InstallStore, specs: readonly string[]): readonly InstallRecord[] {
  const installed = installedIn(store);
  if (specs.length === 0) return installed;
  const queries = specs.map((text) => ({ text, query: parseSpecQuery(text) }));
  for (const { text, query } of queries) {
    if (!installed.some((record) => isMeant(store, record, query))) throw notFound(store, text, query);
  }
  return installed.filter((record) => queries.some(({ query }) => isMeant(store, record, query)));
}

/**
 * The one installed package that `text` means.
 * @throws SpkociError INVALID_ARGUMENT, SPEC_NOT_FOUND or AMBIGUOUS_SPEC
 */
function selectOne(store: InstallStore, text: string): InstallRecord {
  const query = parseSpecQuery(text);
  const [first, ...others] = installedIn(store).filter((record) => isMeant(store, record, query));
  if (first === undefined) throw notFound(store, text, query);
  if (others.length === 0) return first;
  throw ambiguous(text, [first, ...others]);
}

function isMeant(store: InstallStore, { spec }: InstallRecord, query: SpecQuery): boolean {
  return matchesQuery(spec, query, (hash) => store.records.get(hash)?.spec);
}

/** Every installed package that isn't external, in the order of the database. */
function installedIn(store: InstallStore): InstallRecord[] {
  return [...store.records.values()].filter(({ installed, external }) => installed && !external);
}

function rootsIn(store: InstallStore, folder: string, roots: readonly EnvironmentRoot[]): InstallRecord[] {
  const records = roots.map((root) => ({ root, record: store.records.get(root.hash) }));
  const missing = records.filter(({ record }) => record?.installed !== true).map(({ root }) => root);
  if (missing.length > 0) {
    const names = missing.slice(0, SHOWN).map(({ spec, hash }) => `${spec}/${hash.slice(0, 7)}`);
    throw new SpkociError("SPEC_NOT_FOUND", `not installed, but a root of ${folder}: ${names.join(", ")}`, {
      hint: "Install the environment (spack -e DIR install), or name the store that has it.",
    });
  }
  return records.flatMap(({ record }) => (record === undefined || record.external ? [] : [record]));
}

function notFound(store: InstallStore, text: string, query: SpecQuery): SpkociError {
  const matching = [...store.records.values()].filter((record) => isMeant(store, record, query));
  const [one] = matching;
  if (one !== undefined) {
    const label = `${labelOf(one.spec)}/${one.spec.hash.slice(0, 7)}`;
    if (one.external) return failure(text, `${label} is external: Spack didn't install it, so it has no layer.`);
    if (one.deprecatedFor !== undefined) {
      return failure(text, `${label} is deprecated; /${one.deprecatedFor.slice(0, 7)} replaces it.`);
    }
    return failure(text, `${label} is in the database, but not installed.`);
  }
  const installed = installedIn(store);
  const sameName = installed.filter(({ spec }) => spec.name === query.name);
  if (sameName.length > 0) return failure(text, `Installed are:\n${lines(sameName)}`);
  const nearest = nearestNames(
    query.name ?? "",
    installed.map(({ spec }) => spec.name),
  );
  if (query.name === undefined) return failure(text, "`spack find --long` lists the hashes of what is installed.");
  if (nearest.length > 0) return failure(text, `Did you mean ${nearest.join(" or ")}?`);
  return failure(text, `The store has ${installed.length} installed packages.`);
}

function failure(text: string, hint: string): SpkociError {
  return new SpkociError("SPEC_NOT_FOUND", `no installed package matches ${text}`, { hint });
}

function ambiguous(text: string, matching: readonly InstallRecord[]): SpkociError {
  return new SpkociError("AMBIGUOUS_SPEC", `${text} matches ${matching.length} installed packages`, {
    hint: `Choose one by its hash:\n${lines(matching)}`,
  });
}

function lines(records: readonly InstallRecord[]): string {
  const shown = records.slice(0, SHOWN).map(({ spec }) => {
    const { platform, os, target } = spec.arch;
    return `  ${labelOf(spec)}/${spec.hash.slice(0, 7)} ${platform}-${os}-${target}`;
  });
  return [...shown, ...(records.length > SHOWN ? [`  and ${records.length - SHOWN} more`] : [])].join("\n");
}
