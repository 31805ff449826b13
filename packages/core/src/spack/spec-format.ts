import { type CompilerUse, compilersOf } from "./compilers-of.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { formatFlags, formatSpec, formatVariant, formatVariants } from "./format-spec.js";
import { TextScanner } from "./text-scanner.js";

/** A parsed format string of Spack: texts as they are, and attributes of a package. */
export type SpecFormat = readonly (string | SpecField)[];

/** `{@^dep.version:7}`: what stands in front if there is something, of which package, what of it, and how much of that. */
interface SpecField {
  readonly sigil: string;
  /** A package that it depends on, or a virtual package that one provides. */
  readonly dependency?: string | undefined;
  readonly attribute: string;
  readonly length?: number | undefined;
}

/** What a package is formatted with. */
export interface FormatContext {
  /** Finds a dependency by its DAG hash. */
  readonly known: (hash: string) => ConcreteSpec | undefined;
  /** Where the package is installed, if it is. */
  readonly prefix?: string | undefined;
  /** What is done to each value before it is written, such as making it safe for a terminal. */
  readonly clean?: ((value: string) => string) | undefined;
}

const TEXT = /[^{}\\]+/y;
const ESCAPE = /\\(.)/sy;
const OPEN = /\{/y;
const SIGIL = /[@%/]| ?[a-z_]+=/y;
const DEPENDENCY = /\^([\w-]+)\./y;
const LENGTH = /:(\d{1,3})(?=\})/y;
const CLOSE = /(\})/y;

type Attribute = (spec: ConcreteSpec, context: FormatContext) => string;

const ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  name: ({ name }) => name,
  fullname: ({ name, namespace }) => (namespace === undefined ? name : `${namespace}.${name}`),
  version: ({ version }) => version,
  versions: ({ version }) => `=${version}`,
  hash: ({ hash }) => hash,
  dag_hash: ({ hash }) => hash,
  namespace: ({ namespace }) => namespace ?? "",
  namespace_if_anonymous: () => "",
  variants: formatVariants,
  compiler_flags: formatFlags,
  compiler: (spec, context) => withCompiler(spec, context, labelOf),
  compilers: (spec, context) => compilersOf(spec, context.known).map(labelOf).join(" "),
  "compiler.name": (spec, context) => withCompiler(spec, context, ({ name }) => name),
  "compiler.version": (spec, context) => withCompiler(spec, context, ({ version = "" }) => version),
  "compiler.versions": (spec, context) => withCompiler(spec, context, ({ version = "" }) => `=${version}`),
  architecture: architectureOf,
  arch: architectureOf,
  "architecture.platform": ({ arch }) => arch.platform,
  "architecture.os": ({ arch }) => arch.os,
  "architecture.target": ({ arch }) => arch.target,
  "arch.platform": ({ arch }) => arch.platform,
  "arch.os": ({ arch }) => arch.os,
  "arch.target": ({ arch }) => arch.target,
  platform: ({ arch }) => arch.platform,
  os: ({ arch }) => arch.os,
  target: ({ arch }) => arch.target,
  prefix: (_spec, { prefix }) => prefix ?? "",
  spec: formatSpec,
};

/** Longer names first: `compiler.name` is not `compiler`. */
const NAMES = Object.keys(ATTRIBUTES).toSorted((a, b) => b.length - a.length);
const ATTRIBUTE = new RegExp(
  `((?:${NAMES.join("|").replaceAll(".", "\\.")}|(?:variants|compiler_flags)\\.[\\w.-]+)(?![\\w.-]))`,
  "y",
);
const EXPECTED =
  "an attribute: name, version, hash, namespace, compiler, compiler.version, compiler_flags, variants, variants.NAME, architecture, " +
  "architecture.target, prefix and so on";
const FLAG = /^compiler_flags\.(.+)$/;
const VARIANT = /^variants\.(.+?)(?:\.(name|value))?$/;

/**
 * Parses a format string of `spack find --format` (Spec.format in Spack's documentation): `{name}-{version}-{hash:7}`,
 * `{^zlib.version}`, `{variants.shared}`. A sigil in the braces, as in `{@version}`, `{/hash:7}` and `{ arch=architecture}`, is written
 * only in front of something. `\{` and `\}` are braces, `\n` and `\t` a line break and a tab.
 * @throws SpkociError INVALID_ARGUMENT, which points at the character that can't stand there
 */
export function parseSpecFormat(text: string): SpecFormat {
  const scanner = new TextScanner(text, "format");
  const parts: (string | SpecField)[] = [];
  while (!scanner.atEnd) {
    const plain = scanner.take(TEXT)?.[0] ?? escapedBy(scanner.take(ESCAPE)?.[1]);
    if (plain !== undefined) parts.push(plain);
    else if (scanner.take(OPEN)) parts.push(scanField(scanner));
    else scanner.fail("text, {attribute}, or \\{ and \\} for braces");
  }
  return parts;
}

function escapedBy(character: string | undefined): string | undefined {
  return character === "n" ? "\n" : character === "t" ? "\t" : character;
}

function scanField(scanner: TextScanner): SpecField {
  const sigil = scanner.take(SIGIL)?.[0] ?? "";
  const dependency = scanner.take(DEPENDENCY)?.[1];
  const attribute = scanner.expect(ATTRIBUTE, EXPECTED);
  const length = scanner.take(LENGTH)?.[1];
  scanner.expect(CLOSE, "}");
  return { sigil, dependency, attribute, length: length === undefined ? undefined : Number(length) };
}

/** One package in a format; what it doesn't have is empty. */
export function formatSpecAs(format: SpecFormat, spec: ConcreteSpec, context: FormatContext): string {
  return format.map((part) => (typeof part === "string" ? part : formatField(part, spec, context))).join("");
}

function formatField(
  { sigil, dependency, attribute, length }: SpecField,
  spec: ConcreteSpec,
  context: FormatContext,
): string {
  const subject = dependency === undefined ? spec : findDependency(spec, dependency, context);
  if (subject === undefined) return "";
  const { prefix, ...others } = context;
  const whole = attributeOf(subject, attribute, subject === spec ? context : others);
  const value = (context.clean?.(whole) ?? whole).slice(0, length);
  return value === "" ? "" : `${sigil}${value}`;
}

function attributeOf(spec: ConcreteSpec, attribute: string, context: FormatContext): string {
  const known = ATTRIBUTES[attribute];
  if (known !== undefined) return known(spec, context);
  const [, flag] = FLAG.exec(attribute) ?? [];
  const [, variant = flag ?? "", part] = VARIANT.exec(attribute) ?? [];
  const value = spec.parameters.get(variant);
  if (value === undefined) return "";
  if (part === "name") return variant;
  if (part === "value" || flag !== undefined)
    return Array.isArray(value) ? value.join(flag === undefined ? "," : " ") : String(value);
  return formatVariant(spec, variant, value);
}

/** The nearest of what a package depends on that has the name or provides what has. */
function findDependency(spec: ConcreteSpec, name: string, { known }: FormatContext): ConcreteSpec | undefined {
  const seen = new Set([spec]);
  for (const { dependencies } of seen) {
    for (const edge of dependencies) {
      const next = known(edge.hash);
      if (next === undefined) continue;
      if (next.name === name || edge.virtuals.includes(name)) return next;
      seen.add(next);
    }
  }
  return undefined;
}

function withCompiler(spec: ConcreteSpec, { known }: FormatContext, format: (compiler: CompilerUse) => string): string {
  const [first] = compilersOf(spec, known);
  return first === undefined ? "" : format(first);
}

function labelOf({ name, version }: CompilerUse): string {
  return version === undefined ? name : `${name}@${version}`;
}

function architectureOf({ arch }: ConcreteSpec): string {
  return `${arch.platform}-${arch.os}-${arch.target}`;
}
