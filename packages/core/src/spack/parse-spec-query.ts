import type { DependencyQuery, ParameterQuery, SpecQuery, TargetRange } from "./spec-query.js";
import { TextScanner } from "./text-scanner.js";
import { scanVersions } from "./version-range.js";

const SPACE = /\s+/y;
const NAME = /((?:\w[\w-]*\.)*)(\w[\w-]*)/y;
const ANY_NAME = /\*/y;
const KEY = /(\w[\w.-]*?)(:)?==?/y;
const SWITCH = /(\+\+?|~~?|--?)\s*/y;
const VARIANT = /(\w[\w.-]*)/y;
const BARE_VALUE = /[\w+*.,:=%^~/\\-]+/y;
const QUOTED_VALUE = /"((?:\\"|[^"])*)"|'((?:\\'|[^'])*)'/y;
const AT = /@\s*/y;
const SLASH = /\//y;
const HASH = /([a-z0-9]+)/y;
const EDGE = /(\^|%%?)\s*/y;
const OPEN = /\[\s*/y;
const CLOSE = /\s*\]\s*/y;
const EDGE_ATTRIBUTE = /\s*(deptypes|virtuals)=/y;
/** `c,cxx=` of `%c,cxx=gcc`. */
const ASSIGNED_VIRTUALS = /(\w[\w-]*(?:,\w[\w-]*)*)=(?=\w)/y;

const FLAGS: ReadonlySet<string> = new Set(["cflags", "cxxflags", "fflags", "cppflags", "ldflags", "ldlibs"]);

const PROPERTIES = "@version, +variant, ~variant, key=value, %compiler, ^dependency or /hash";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[] ? Item[] : T[Key] };
type Draft = Writable<SpecQuery>;

/**
 * Parses a spec as Spack 1.x writes it: `name@1.2:1.4,2: +variant ~variant key=value %compiler@12 target=x86_64_v3: ^dep/hash`. Every
 * part may be absent, but not all. What stands behind `%` or `^` belongs to that dependency, up to the next of them.
 * @throws SpkociError INVALID_ARGUMENT, which points at the character that can't stand there
 */
export function parseSpecQuery(text: string): SpecQuery {
  const scanner = new TextScanner(text);
  const first = scanNode(scanner);
  const root = first ?? emptyQuery();
  let owner = root;
  let edge = scanEdge(scanner);
  if (first === undefined && edge === undefined) scanner.fail(`a package's name, or ${PROPERTIES}`);
  while (edge !== undefined) {
    const query = scanNode(scanner) ?? scanner.fail("the name of a dependency, or what is asked of it");
    (edge.direct ? owner : root).dependencies.push({ ...edge, query });
    if (!edge.direct) owner = query;
    edge = scanEdge(scanner);
  }
  if (!scanner.atEnd) scanner.fail(`${PROPERTIES}, or the end of the spec`);
  return root;
}

function emptyQuery(): Draft {
  return { versions: [], parameters: [], platforms: [], systems: [], targets: [], dependencies: [] };
}

/** One package of the spec; undefined if nothing of one stands here. */
function scanNode(scanner: TextScanner): Draft | undefined {
  const draft = emptyQuery();
  scanner.take(SPACE);
  let found = scanProperty(scanner, draft) || scanName(scanner, draft);
  if (!found) return undefined;
  while (found) {
    scanner.take(SPACE);
    found = scanProperty(scanner, draft);
  }
  return draft;
}

function scanName(scanner: TextScanner, draft: Draft): boolean {
  if (scanner.take(ANY_NAME)) return true;
  const found = scanner.take(NAME);
  if (found === undefined) return false;
  draft.name = found[2];
  if (found[1] !== "") draft.namespace = found[1]?.slice(0, -1);
  return true;
}

function scanProperty(scanner: TextScanner, draft: Draft): boolean {
  return (
    scanVersion(scanner, draft) || scanSwitch(scanner, draft) || scanHash(scanner, draft) || scanPair(scanner, draft)
  );
}

function scanVersion(scanner: TextScanner, draft: Draft): boolean {
  if (!scanner.take(AT)) return false;
  if (draft.versions.length > 0) scanner.fail("only one @ for each package; several versions have commas in between");
  draft.versions.push(...scanVersions(scanner));
  return true;
}

function scanSwitch(scanner: TextScanner, draft: Draft): boolean {
  const sigil = scanner.take(SWITCH)?.[1];
  if (sigil === undefined) return false;
  const name = scanner.expect(VARIANT, `a variant's name behind ${sigil}`);
  draft.parameters.push({ name, on: sigil.startsWith("+") });
  return true;
}

function scanHash(scanner: TextScanner, draft: Draft): boolean {
  if (!scanner.take(SLASH)) return false;
  if (draft.hash !== undefined) scanner.fail("only one hash for each package");
  draft.hash = scanner.expect(HASH, "the beginning of a hash, of lower-case letters and digits, as in /abcdefg");
  return true;
}

function scanPair(scanner: TextScanner, draft: Draft): boolean {
  const [, key, only] = scanner.take(KEY) ?? [];
  if (key === undefined) return false;
  if (key === "arch" || key === "architecture") {
    const [platform = "", os = "", target = ""] = scanArchitecture(scanner);
    draft.platforms.push(...valuesOf(platform));
    draft.systems.push(...valuesOf(os));
    draft.targets.push(...targetsOf(target));
    return true;
  }
  const value = scanValue(scanner);
  if (key === "namespace") draft.namespace = value;
  else if (key === "platform") draft.platforms.push(...valuesOf(value));
  else if (key === "os" || key === "operating_system") draft.systems.push(...valuesOf(value));
  else if (key === "target") draft.targets.push(...targetsOf(value));
  else draft.parameters.push(parameterOf(key, value, only !== undefined));
  return true;
}

function scanValue(scanner: TextScanner): string {
  const quoted = scanner.take(QUOTED_VALUE);
  if (quoted !== undefined) return quoted[1]?.replaceAll('\\"', '"') ?? quoted[2]?.replaceAll("\\'", "'") ?? "";
  return scanner.take(BARE_VALUE)?.[0] ?? scanner.fail("a value, in quotes if it has spaces");
}

/** A part that is None may be anything. */
function scanArchitecture(scanner: TextScanner): readonly string[] {
  const parts = /^([^-]+)-(.+)-([^-]+)$/.exec(scanValue(scanner));
  if (parts === null) scanner.fail("three parts in front, as in arch=linux-debian12-x86_64_v3");
  return parts.slice(1).map((part) => (part === "None" ? "*" : part));
}

function parameterOf(name: string, value: string, only: boolean): ParameterQuery {
  if (FLAGS.has(name)) return { name, values: value.split(/\s+/).filter((flag) => flag !== ""), only };
  if (/^(true|false)$/i.test(value)) return { name, on: value.toLowerCase() === "true" };
  return { name, values: valuesOf(value), only };
}

/** The items of a list; `*` may be anything. */
function valuesOf(value: string): string[] {
  const items = value.split(",").filter((item) => item !== "");
  return items.includes("*") ? [] : items;
}

function targetsOf(value: string): TargetRange[] {
  return valuesOf(value).map((item) => {
    const [from = "", to = from] = item.split(":");
    return { from: from === "" ? undefined : from, to: to === "" ? undefined : to };
  });
}

function scanEdge(scanner: TextScanner): Omit<DependencyQuery, "query"> | undefined {
  const sigil = scanner.take(EDGE)?.[1];
  if (sigil === undefined) return undefined;
  const virtuals: string[] = [];
  const deptypes: string[] = [];
  if (scanner.take(OPEN)) {
    while (!scanner.take(CLOSE)) {
      const key = scanner.expect(EDGE_ATTRIBUTE, "virtuals=…, deptypes=… or ]");
      (key === "virtuals" ? virtuals : deptypes).push(...valuesOf(scanValue(scanner)));
    }
  }
  virtuals.push(...valuesOf(scanner.take(ASSIGNED_VIRTUALS)?.[1] ?? ""));
  return { direct: sigil !== "^", virtuals, deptypes };
}
