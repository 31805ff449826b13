import { stat } from "node:fs/promises";
import { join } from "node:path";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import type { FileCalls } from "../base/file-calls.js";
import { RawJson } from "../base/json.js";
import type { Op } from "../base/op.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { labelOf } from "./concrete-spec.js";
import { verifyDagHashes } from "./dag-hash.js";
import type { InstallRecord, InstallStore } from "./install-store.js";
import { recordOf } from "./install-store.js";
import { itemsOf, memberOf, parseLosslessJson } from "./lossless-json.js";
import { NEWEST_SPECFILE, otherHashesOf, parseSpecNode } from "./spec-node.js";
import { readTextFile } from "./text-file.js";
import { preorder } from "./traverse.js";

/** A package's spec with all its nodes, as `spec.json` or a cache's config holds it. */
export interface SpecFile {
  /** 2 to 5. */
  readonly version: number;
  /** The value of the key `spec`, without white space. */
  readonly spec: RawJson;
  readonly root: ConcreteSpec;
  /** By DAG hash, the root first. */
  readonly nodes: ReadonlyMap<string, ConcreteSpec>;
}

/** The largest spec.json that is read, bytes. */
const SPEC_FILE_LIMIT = 64 * 1024 * 1024;

/**
 * An installed package's spec with all its nodes, each with the DAG hash that it claims: from the prefix, or from the database where
 * the prefix has none.
 * @throws SpkociError PREFIX_MISSING, SPEC_INVALID or DAG_HASH_MISMATCH
 */
export async function readSpec(
  store: InstallStore,
  record: InstallRecord,
  op?: Op,
  calls?: FileCalls,
): Promise<SpecFile> {
  const file = (await readSpecFile(record, op, store, calls)) ?? (await composeFromDatabase(store, record));
  verifyDagHashes(file.nodes.values());
  return file;
}

async function composeFromDatabase(store: InstallStore, record: InstallRecord): Promise<SpecFile> {
  const folder = await stat(record.path).catch(() => undefined);
  if (folder?.isDirectory()) return composeSpecFile(store, record);
  throw new SpkociError("PREFIX_MISSING", `the prefix of ${labelOf(record.spec)} is missing: ${record.path}`, {
    hint: "Reinstall the package, or let `spack reindex` forget it.",
  });
}

/**
 * Reads `<prefix>/.spack/spec.json` of an installed package; undefined if the prefix has none. Nodes that `store` has too are taken
 * from there.
 * @throws SpkociError SPEC_INVALID if it is malformed, or is another package's.
 */
export async function readSpecFile(
  record: InstallRecord,
  op?: Op,
  store?: InstallStore,
  calls?: FileCalls,
): Promise<SpecFile | undefined> {
  const path = join(record.path, ".spack", "spec.json");
  let text: string;
  try {
    text = await readTextFile(path, SPEC_FILE_LIMIT, op, calls);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (error instanceof SpkociError || code === undefined) throw error;
    throw new SpkociError("SPEC_INVALID", `${path} can't be read: ${code}`, { cause: error });
  }
  const file = parseSpecFile(text, path, (hash) => store?.records.get(hash)?.spec);
  if (file.root.hash === record.spec.hash) return file;
  throw new SpkociError(
    "SPEC_INVALID",
    `${path} is of ${labelOf(file.root)}/${file.root.hash}, but the database has ${labelOf(record.spec)}/${record.spec.hash} there`,
    { hint: "Run `spack reindex`, or reinstall the package." },
  );
}

/**
 * A spec file of version 2 to 5 (format page, section 8): `{"spec":{"_meta":{"version":V},"nodes":[root, …]}}`, other keys beside
 * `spec` are passed over.
 * @param known a spec of this hash that is there already: a node with the very same text becomes that one
 * @throws SpkociError SPEC_INVALID that names `what`.
 */
export function parseSpecFile(
  text: string,
  what: string,
  known: (hash: string) => ConcreteSpec | undefined = () => undefined,
): SpecFile {
  const { value, text: minified } = parseLosslessJson(text, what, "SPEC_INVALID");
  const spec = ownMember(value, "spec");
  const rawSpec = memberOf(minified, "spec");
  const version = ownMember(ownMember(spec, "_meta"), "version");
  const values = ownMember(spec, "nodes");
  const rawNodes = rawSpec === undefined ? undefined : memberOf(rawSpec, "nodes");
  if (rawSpec === undefined || rawNodes === undefined || !Array.isArray(values) || values.length === 0) {
    throw new SpkociError("SPEC_INVALID", `${what} has no nodes under "spec"`);
  }
  if (typeof version !== "number" || !Number.isInteger(version) || version < 2 || version > NEWEST_SPECFILE) {
    throw new SpkociError("SPEC_INVALID", `${what} has spec file version ${JSON.stringify(version) ?? "none"}`, {
      hint: `spkoci reads versions 2 to ${NEWEST_SPECFILE}.`,
    });
  }
  const raw = [...itemsOf(rawNodes)];
  const nodes = values.map((node, at) => {
    const hash = ownMember(node, "hash");
    const same = typeof hash === "string" ? known(hash) : undefined;
    if (same?.specfileVersion === version && same.node.text === raw[at]) return same;
    return parseSpecNode(node, raw[at] ?? "", { version, what, code: "SPEC_INVALID" });
  });
  return { version, spec: new RawJson(rawSpec), ...linked(nodes, values, what) };
}

/**
 * The spec file of a package put together from the store's database, for a prefix without spec.json: the nodes in the order
 * in which Spack writes them.
 * @throws SpkociError SPEC_INVALID if the nodes are of different or too old versions.
 */
export function composeSpecFile(store: InstallStore, record: InstallRecord): SpecFile {
  const resolve = (hash: string, parent: ConcreteSpec): ConcreteSpec => recordOf(store, hash, parent).spec;
  const nodes = new Map<string, ConcreteSpec>();
  const add = (root: ConcreteSpec): void => {
    for (const spec of preorder(root, resolve)) {
      if (nodes.has(spec.hash)) continue;
      nodes.set(spec.hash, spec);
      if (spec.buildSpec !== undefined) add(resolve(spec.buildSpec, spec));
    }
  };
  add(record.spec);
  const version = record.spec.specfileVersion;
  if (version < 2 || [...nodes.values()].some((spec) => spec.specfileVersion !== version)) {
    throw new SpkociError(
      "SPEC_INVALID",
      `${labelOf(record.spec)} has no spec.json, and its database is too old for one`,
      {
        hint: "Reinstall the package with a newer Spack.",
      },
    );
  }
  const raw = [...nodes.values()].map(({ node }) => node.text).join(",");
  return {
    version,
    spec: new RawJson(`{"_meta":{"version":${version}},"nodes":[${raw}]}`),
    root: record.spec,
    nodes,
  };
}

/** The nodes by hash, every edge checked, with edges of old spec files turned to DAG hashes. */
function linked(
  nodes: readonly ConcreteSpec[],
  values: readonly unknown[],
  what: string,
): Pick<SpecFile, "root" | "nodes"> {
  const dagHash = new Map<string, string>();
  nodes.forEach((node, at) => {
    for (const other of otherHashesOf(values[at])) dagHash.set(other, node.hash);
  });
  const byHash = new Map(nodes.map((node) => [node.hash, withDagHashes(node, dagHash, what)]));
  const [root] = byHash.values();
  if (root === undefined) throw new SpkociError("SPEC_INVALID", `${what} has no nodes`);
  return { root, nodes: byHash };
}

function withDagHashes(node: ConcreteSpec, dagHash: ReadonlyMap<string, string>, what: string): ConcreteSpec {
  const find = (hash: string, name: string): string => {
    const found = dagHash.get(hash);
    if (found !== undefined) return found;
    throw new SpkociError("SPEC_INVALID", `${what}: ${node.name} needs ${name}/${hash}, which the file doesn't have`);
  };
  const hashes = node.dependencies.map((edge) => find(edge.hash, edge.name));
  const buildSpec = node.buildSpec === undefined ? undefined : find(node.buildSpec, `${node.name} (build spec)`);
  if (buildSpec === node.buildSpec && node.dependencies.every((edge, at) => edge.hash === hashes[at])) return node;
  const dependencies = node.dependencies.map((edge, at) => ({ ...edge, hash: hashes[at] ?? edge.hash }));
  return { ...node, dependencies, buildSpec };
}

function ownMember(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}
