import type { ErrorCode } from "../base/error-codes.js";
import { SpkociError } from "../base/errors.js";
import { type Fields, fieldsOf, isFields, Malformed, matchingText, optional, textOf, textsOf } from "../base/fields.js";
import { RawJson } from "../base/json.js";
import type { Architecture, ConcreteSpec, Dependency, ParameterValue } from "./concrete-spec.js";
import { familyOfTarget, type TargetNode } from "./target-family.js";

/** Where a node stands, for messages, and how to read it. */
export interface NodeContext {
  /** Version of the spec file that the node is written in: 1 for databases of version 5, else 2 to 5. */
  readonly version: number;
  /** What holds the node. */
  readonly what: string;
  /** Code of the error for a malformed node. */
  readonly code: ErrorCode;
  /** DAG hash, where the node itself may not say it. */
  readonly hash?: string | undefined;
}

/** Versions of spec files that nodes can be read of, and the newest. */
export const NEWEST_SPECFILE = 5;

const HASH = /^[a-z0-9]{7,64}$/;

/** Hashes that edges of old spec files may name their dependency by; nodes carry them all. */
const HASH_KINDS = ["hash", "build_hash", "full_hash"] as const;

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be in it
const VERSION = /^[^\s\x00-\x1f\x7f]+$/;

/**
 * One node of a spec file or database, from its parsed value and its text as read.
 * @throws SpkociError with the context's code if it is malformed.
 */
export function parseSpecNode(value: unknown, text: string, context: NodeContext): ConcreteSpec {
  try {
    return readNode(fieldsOf(context.version === 1 ? unwrapped(value) : value, ""), text, context);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const which = context.hash === undefined ? "a node" : `the node of ${context.hash}`;
    throw new SpkociError(context.code, `${context.what}: ${which} is malformed: ${error.message}`);
  }
}

function readNode(node: Fields, text: string, context: NodeContext): ConcreteSpec {
  const name = matchingText(node.name, NAME, "not a package name", "name");
  const annotations = optional(node.annotations, "annotations", fieldsOf);
  const originalVersion = annotations?.original_specfile_version;
  if (originalVersion !== undefined && typeof originalVersion !== "number") {
    throw new Malformed("expected a number at annotations.original_specfile_version");
  }
  return {
    name,
    version: matchingText(node.version, VERSION, "not a version", "version"),
    hash: ownHashOf(node, name, context),
    namespace: optional(node.namespace, "namespace", textOf),
    arch: architectureOf(node.arch),
    external: optional(node.external, "external", externalOf),
    dependencies: dependenciesOf(node, name, context),
    buildSpec: optional(node.build_spec, "build_spec", (value, where) => hashIn(fieldsOf(value, where), where)),
    parameters: parametersOf(optional(node.parameters, "parameters", fieldsOf) ?? {}),
    propagated: new Set(optional(node.propagate, "propagate", textsOf)),
    compiler:
      optional(node.compiler, "compiler", compilerOf) ??
      annotatedCompiler(optional(annotations?.compiler, "annotations.compiler", textOf)),
    specfileVersion: context.version,
    originalSpecfileVersion: originalVersion ?? context.version,
    node: new RawJson(text),
  };
}

function ownHashOf(node: Fields, name: string, context: NodeContext): string {
  const said = optional(node.hash, "hash", hashOf);
  const hash = said ?? context.hash;
  if (hash === undefined) throw new SpkociError(context.code, `${context.what}: ${name} has no hash`);
  if (context.hash === undefined || hash === context.hash) return hash;
  throw new SpkociError(context.code, `${context.what}: ${name} is filed as ${context.hash} but says ${hash}`);
}

function externalOf(value: unknown, where: string): ConcreteSpec["external"] {
  return { path: optional(fieldsOf(value, where).path, `${where}.path`, textOf) };
}

function compilerOf(value: unknown, where: string): ConcreteSpec["compiler"] {
  const { name, version } = fieldsOf(value, where);
  return { name: textOf(name, `${where}.name`), version: textOf(version, `${where}.version`) };
}

/** @param text `gcc@=12.2.0`, which a node keeps that a newer Spack has rewritten */
function annotatedCompiler(text: string | undefined): ConcreteSpec["compiler"] {
  const [, name, version] = /^([^@]+)@=?(.+)$/.exec(text ?? "") ?? [];
  return name === undefined || version === undefined ? undefined : { name, version };
}

/** The hashes of other kinds that a node goes by in old spec files, for edges that use them. */
export function otherHashesOf(value: unknown): readonly string[] {
  if (!isFields(value)) return [];
  const named = HASH_KINDS.map((kind) => value[kind]);
  return named.filter((hash): hash is string => typeof hash === "string" && HASH.test(hash));
}

/** Version 1 writes a node as `{name: {…}}`. */
function unwrapped(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const [first] = Object.entries(value);
  if (first === undefined || typeof first[1] !== "object") return value;
  return { ...first[1], name: first[0] };
}

function architectureOf(value: unknown): Architecture {
  // The oldest specs have a plain word, which Spack reads as a target of an unknown system.
  if (typeof value === "string") {
    return { platform: "unknown", os: "unknown", target: value, family: familyOfTarget(value) };
  }
  const arch = optional(value, "arch", fieldsOf);
  const target = optional(arch?.target, "arch.target", targetOf) ?? "unknown";
  return {
    platform: optional(arch?.platform, "arch.platform", textOf) ?? "unknown",
    os: optional(arch?.platform_os, "arch.platform_os", textOf) ?? "unknown",
    target: typeof target === "string" ? target : target.name,
    family: familyOfTarget(target),
  };
}

function targetOf(value: unknown, where: string): TargetNode {
  if (typeof value === "string") return value;
  const { name, vendor, parents } = fieldsOf(value, where);
  return {
    name: textOf(name, `${where}.name`),
    vendor: optional(vendor, `${where}.vendor`, textOf),
    parents: optional(parents, `${where}.parents`, textsOf),
  };
}

/** A list of edges, or in old specs an object of them by name. */
function dependenciesOf(node: Fields, name: string, context: NodeContext): Dependency[] {
  const edges = node.dependencies ?? [];
  if (Array.isArray(edges)) {
    return edges.map((value: unknown, at) => {
      const where = `dependencies.${at}`;
      const edge = fieldsOf(value, where);
      return dependencyOf(edge, textOf(edge.name, `${where}.name`), where, name, context);
    });
  }
  return Object.entries(fieldsOf(edges, "dependencies")).map(([key, value]) => {
    const where = `dependencies.${key.slice(0, 80)}`;
    return dependencyOf(fieldsOf(value, where), key, where, name, context);
  });
}

function dependencyOf(
  edge: Fields,
  name: string,
  where: string,
  dependent: string,
  { code, what }: NodeContext,
): Dependency {
  const hash = hashIn(edge, where);
  if (hash === undefined) {
    throw new SpkociError(code, `${what}: ${dependent} depends on ${name} without naming its hash`);
  }
  const parameters = optional(edge.parameters, `${where}.parameters`, fieldsOf);
  const type = optional(edge.type, `${where}.type`, textsOf);
  return {
    name,
    hash,
    deptypes: optional(parameters?.deptypes, `${where}.parameters.deptypes`, textsOf) ?? type ?? [],
    virtuals: optional(parameters?.virtuals, `${where}.parameters.virtuals`, textsOf) ?? [],
  };
}

function hashIn(holder: Fields, where: string): string | undefined {
  for (const kind of HASH_KINDS) {
    const found = optional(holder[kind], `${where}.${kind}`, hashOf);
    if (found !== undefined) return found;
  }
  return undefined;
}

function hashOf(value: unknown, where: string): string {
  return matchingText(value, HASH, "not a DAG hash", where);
}

function parametersOf(parameters: Fields): ReadonlyMap<string, ParameterValue> {
  return new Map(Object.entries(parameters).map(([name, value]) => [name, parameterValue(value)]));
}

function parameterValue(value: unknown): ParameterValue {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === "boolean" ? value : String(value);
}
