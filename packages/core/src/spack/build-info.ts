import { posix } from "node:path";
import * as yaml from "yaml";
import * as z from "zod";
import { SpkociError } from "../base/errors.js";
import { textMap, texts, whyInvalid } from "../base/schema.js";
import { resolverOf } from "./closure.js";
import { type InstallRecord, type InstallStore, recordOf } from "./install-store.js";
import { withoutPadding } from "./padding.js";
import { breadthFirst, childrenOf, edgesOfKind } from "./traverse.js";

/** What `.spack/binary_distribution` of a tarball says (format page, section 4). */
export interface BuildInfo {
  /** Root of the store that the package was built in. */
  readonly buildpath: string;
  readonly hardlinksDeduped: boolean;
  /** DAG hash to prefix, in Spack's order. */
  readonly hashToPrefix: ReadonlyMap<string, string>;
  readonly relativePrefix: string;
  readonly relocateBinaries: readonly string[];
  readonly relocateLinks: readonly string[];
  readonly relocateTextfiles: readonly string[];
  readonly sbangInstallPath?: string | undefined;
  /** The Spack checkout. */
  readonly spackprefix?: string | undefined;
}

/** Paths in the prefix that a scan found to need relocation. */
export interface RelocatableFiles {
  readonly binaries: readonly string[];
  readonly textFiles: readonly string[];
  readonly links: readonly string[];
}

/** Line breaks and other control characters, and octal numbers of YAML 1.2. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be found
const NEEDS_QUOTES = /[\x00-\x1f\x7f-\x9f\u2028\u2029]|^0o[0-7]+$/;

/** Where a checkout of Spack has its store, unless it is configured otherwise. */
const STORE_IN_CHECKOUT = "/opt/spack";

/** The YAML of the file as Spack 1.2 writes it: a mapping on one line. */
export function formatBuildInfo(info: BuildInfo): string {
  const value = {
    sbang_install_path: info.sbangInstallPath,
    buildpath: info.buildpath,
    spackprefix: info.spackprefix,
    relative_prefix: info.relativePrefix,
    hardlinks_deduped: info.hardlinksDeduped,
    // A Map would become an !!omap, which Spack does not expect.
    hash_to_prefix: Object.fromEntries(info.hashToPrefix),
    relocate_binaries: info.relocateBinaries,
    relocate_links: info.relocateLinks,
    relocate_textfiles: info.relocateTextfiles,
  };
  // Quoting by YAML 1.1, the stricter one, keeps strings such as "yes" and "1:2" strings for every reader.
  const document = new yaml.Document(value, { version: "1.1", aliasDuplicateObjects: false, keepUndefined: false });
  yaml.visit(document, {
    Scalar(_, node) {
      if (typeof node.value === "string" && NEEDS_QUOTES.test(node.value)) node.type = "QUOTE_DOUBLE";
    },
  });
  return document.toString({
    collectionStyle: "flow",
    flowCollectionPadding: false,
    lineWidth: 0,
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  });
}

/** The longest build info that is parsed; YAML takes several hundred times its length in memory. */
const BUILD_INFO_LIMIT = 4 * 1024 * 1024;

const paths = texts.nullish();
const buildInfoSchema = z.object({
  buildpath: z.string(),
  relative_prefix: z.string(),
  sbang_install_path: z.string().nullish(),
  spackprefix: z.string().nullish(),
  hardlinks_deduped: z.string().nullish(),
  hash_to_prefix: textMap.nullish(),
  prefix_to_hash: textMap.nullish(),
  relocate_binaries: paths,
  relocate_links: paths,
  relocate_textfiles: paths,
});

/**
 * Reads the file as any Spack since 0.18 writes it, on one line or many, with `hash_to_prefix` or the older `prefix_to_hash`.
 * @throws SpkociError DOCUMENT_INVALID that names `what`
 */
export function parseBuildInfo(text: string, what = "build info"): BuildInfo {
  const parsed = buildInfoSchema.safeParse(parseYaml(text, what));
  if (!parsed.success) {
    throw new SpkociError("DOCUMENT_INVALID", `${what} is malformed: ${whyInvalid(parsed.error)}`);
  }
  const info = parsed.data;
  const older = Object.entries(info.prefix_to_hash ?? {}).map(([prefix, hash]) => [hash, prefix] as const);
  return {
    buildpath: info.buildpath,
    hardlinksDeduped: info.hardlinks_deduped === "true",
    hashToPrefix: new Map(info.hash_to_prefix ? Object.entries(info.hash_to_prefix) : older),
    relativePrefix: info.relative_prefix,
    relocateBinaries: info.relocate_binaries ?? [],
    relocateLinks: info.relocate_links ?? [],
    relocateTextfiles: info.relocate_textfiles ?? [],
    sbangInstallPath: info.sbang_install_path ?? undefined,
    spackprefix: info.spackprefix ?? undefined,
  };
}

/** Every scalar a string: a hash that looks like a number stays what it is. Of two keys the last counts, as for Python. */
function parseYaml(text: string, what: string): unknown {
  if (text.length > BUILD_INFO_LIMIT) {
    throw new SpkociError("DOCUMENT_TOO_LARGE", `${what} is larger than ${BUILD_INFO_LIMIT} bytes`);
  }
  try {
    // Looking for keys that come twice takes time in the square of their number.
    // Warnings would go to standard error, past all that makes texts from outside fit to be shown.
    const quiet = { prettyErrors: false, logLevel: "error" } as const;
    return yaml.parse(text, { schema: "failsafe", maxAliasCount: 0, uniqueKeys: false, ...quiet });
  } catch (error) {
    throw new SpkociError("DOCUMENT_INVALID", `${what} is not valid YAML`, { cause: error });
  }
}

/**
 * The build info of an installed package as Spack computes it. `spackprefix` is the parent of a root that ends in `/opt/spack`, as a
 * checkout has it, else the root; Spack only shows it.
 */
export function buildInfoOf(store: InstallStore, record: InstallRecord, found: RelocatableFiles): BuildInfo {
  const { root } = record;
  const unpadded = withoutPadding(root);
  const checkout = unpadded.endsWith(STORE_IN_CHECKOUT) ? unpadded.slice(0, -STORE_IN_CHECKOUT.length) : "";
  return {
    buildpath: root,
    hardlinksDeduped: true,
    hashToPrefix: prefixesToRelocate(store, record),
    relativePrefix: posix.relative(root, record.prefix),
    relocateBinaries: found.binaries,
    relocateLinks: found.links,
    relocateTextfiles: found.textFiles,
    sbangInstallPath: posix.join(unpadded, "bin", "sbang"),
    spackprefix: checkout === "" ? unpadded : checkout,
  };
}

/** The package, what it links to transitively, and what it needs at run time directly; external packages left out. */
function prefixesToRelocate(store: InstallStore, record: InstallRecord): Map<string, string> {
  const resolve = resolverOf(store);
  const linked = breadthFirst([record.spec], resolve, edgesOfKind("link"));
  const run = childrenOf(record.spec, resolve, edgesOfKind("run"));
  const records = [...linked, ...run].map((spec) => recordOf(store, spec.hash, record.spec));
  return new Map(records.filter(({ external }) => !external).map(({ spec, prefix }) => [spec.hash, prefix]));
}
