import * as z from "zod";
import type { ErrorCode } from "../base/error-codes.js";
import { SpkociError } from "../base/errors.js";
import { RawJson } from "../base/json.js";
import { listOf, mapOf, texts, whyInvalid } from "../base/schema.js";
import type { Architecture, ConcreteSpec, Dependency, ParameterValue } from "./concrete-spec.js";
import { familyOfTarget } from "./target-family.js";

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

const hash = z.string().regex(HASH, "not a DAG hash");
const anyHash = { hash: hash.optional(), build_hash: hash.optional(), full_hash: hash.optional() };
const hashHolder = z.object(anyHash);
const words = texts;

const edge = {
  ...anyHash,
  type: words.optional(),
  parameters: z.object({ deptypes: words.default([]), virtuals: words.default([]) }).optional(),
};
const edgeList = listOf(z.object({ ...edge, name: z.string() }));
const edgeMap = mapOf(z.object(edge));

const target = z.union([
  z.string(),
  z.object({ name: z.string(), vendor: z.string().optional(), parents: words.optional() }),
]);

const architecture = z.union([
  z.string(),
  z.object({ platform: z.string().nullish(), platform_os: z.string().nullish(), target: target.nullish() }),
]);

const nodeSchema = z.object({
  ...anyHash,
  name: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, "not a package name"),
  version: z
    .string()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be in it
    .regex(/^[^\s\x00-\x1f\x7f]+$/, "not a version"),
  namespace: z.string().nullish(),
  arch: architecture.nullish(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  propagate: words.optional(),
  external: z.object({ path: z.string().nullish() }).nullish(),
  dependencies: z.union([edgeList, edgeMap]).optional(),
  build_spec: hashHolder.nullish(),
  compiler: z.object({ name: z.string(), version: z.string() }).nullish(),
  annotations: z
    .object({ original_specfile_version: z.number().optional(), compiler: z.string().optional() })
    .nullish(),
});

type Node = z.infer<typeof nodeSchema>;

/**
 * One node of a spec file or database, from its parsed value and its text as read.
 * @throws SpkociError with the context's code if it is malformed.
 */
export function parseSpecNode(value: unknown, text: string, context: NodeContext): ConcreteSpec {
  const node = validNode(value, context);
  const ownHash = node.hash ?? context.hash;
  if (ownHash === undefined) throw new SpkociError(context.code, `${context.what}: ${node.name} has no hash`);
  if (context.hash !== undefined && ownHash !== context.hash) {
    throw new SpkociError(
      context.code,
      `${context.what}: ${node.name} is filed as ${context.hash} but says ${ownHash}`,
    );
  }
  return {
    name: node.name,
    version: node.version,
    hash: ownHash,
    namespace: node.namespace ?? undefined,
    arch: architectureOf(node.arch),
    external: node.external ? { path: node.external.path ?? undefined } : undefined,
    dependencies: dependenciesOf(node, context),
    buildSpec: node.build_spec ? hashIn(node.build_spec) : undefined,
    parameters: parametersOf(node.parameters ?? {}),
    propagated: new Set(node.propagate ?? []),
    compiler: node.compiler ?? annotatedCompiler(node.annotations?.compiler),
    specfileVersion: context.version,
    originalSpecfileVersion: node.annotations?.original_specfile_version ?? context.version,
    node: new RawJson(text),
  };
}

/** @param text `gcc@=12.2.0`, which a node keeps that a newer Spack has rewritten */
function annotatedCompiler(text: string | undefined): ConcreteSpec["compiler"] {
  const [, name, version] = /^([^@]+)@=?(.+)$/.exec(text ?? "") ?? [];
  return name === undefined || version === undefined ? undefined : { name, version };
}

/** The hashes of other kinds that a node goes by in old spec files, for edges that use them. */
export function otherHashesOf(value: unknown): readonly string[] {
  const parsed = hashHolder.safeParse(value);
  if (!parsed.success) return [];
  return HASH_KINDS.map((kind) => parsed.data[kind]).filter((found) => found !== undefined);
}

function validNode(value: unknown, context: NodeContext): Node {
  const parsed = nodeSchema.safeParse(context.version === 1 ? unwrapped(value) : value);
  if (parsed.success) return parsed.data;
  const why = whyInvalid(parsed.error);
  const which = context.hash === undefined ? "a node" : `the node of ${context.hash}`;
  throw new SpkociError(context.code, `${context.what}: ${which} is malformed: ${why}`);
}

/** Version 1 writes a node as `{name: {…}}`. */
function unwrapped(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const [first] = Object.entries(value);
  if (first === undefined || typeof first[1] !== "object") return value;
  return { ...first[1], name: first[0] };
}

function architectureOf(arch: Node["arch"]): Architecture {
  // The oldest specs have a plain word, which Spack reads as a target of an unknown system.
  if (typeof arch === "string")
    return { platform: "unknown", os: "unknown", target: arch, family: familyOfTarget(arch) };
  const target = arch?.target ?? "unknown";
  return {
    platform: arch?.platform ?? "unknown",
    os: arch?.platform_os ?? "unknown",
    target: typeof target === "string" ? target : target.name,
    family: familyOfTarget(target),
  };
}

function dependenciesOf(node: Node, context: NodeContext): Dependency[] {
  const edges = node.dependencies ?? [];
  const list = Array.isArray(edges) ? edges : Object.entries(edges).map(([name, rest]) => ({ ...rest, name }));
  return list.map((one) => {
    const found = hashIn(one);
    if (found === undefined) {
      throw new SpkociError(
        context.code,
        `${context.what}: ${node.name} depends on ${one.name} without naming its hash`,
      );
    }
    return {
      name: one.name,
      hash: found,
      deptypes: one.parameters?.deptypes ?? one.type ?? [],
      virtuals: one.parameters?.virtuals ?? [],
    };
  });
}

function hashIn(holder: { readonly [K in (typeof HASH_KINDS)[number]]?: string | undefined }): string | undefined {
  return holder.hash ?? holder.build_hash ?? holder.full_hash;
}

function parametersOf(parameters: Readonly<Record<string, unknown>>): ReadonlyMap<string, ParameterValue> {
  return new Map(Object.entries(parameters).map(([name, value]) => [name, parameterValue(value)]));
}

function parameterValue(value: unknown): ParameterValue {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === "boolean" ? value : String(value);
}
