import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  computeDagHash,
  digestOf,
  documentOf,
  jsonDocument,
  OCI_CONFIG,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  packageTag,
} from "@spkoci/core";

const FIXTURES = new URL("../fixtures/python/configs", import.meta.url).pathname;
const LAYER = documentOf(OCI_LAYER_GZIP, Buffer.from("a layer that all packages share"));

/** The blob that the images of all packages have as their layer. */
export const SHARED_LAYER = LAYER;

/**
 * Images of `count` packages: copies of the nodes of a real python with its dependencies, each copy with versions and so with hashes of
 * its own. External nodes stay as they are. `from` leaves out packages before that number.
 */
export async function* makePackages(count, from = 0) {
  const real = await readNodes();
  const inCache = real.filter(({ node }) => node.external === undefined && node.name !== "compiler-wrapper");
  for (let made = 0, copy = 0; made < count; copy += 1) {
    const nodes = new Map();
    for (const { node, hash } of real)
      nodes.set(hash, inCache.some((one) => one.hash === hash) ? renamed(node, copy, nodes) : { ...node, hash });
    for (const { hash } of inCache) {
      made += 1;
      if (made > from && made <= count) yield imageOf(hash, nodes);
    }
  }
}

/** The nodes of the largest fixture, dependencies first. */
async function readNodes() {
  const texts = await Promise.all((await readdir(FIXTURES)).map((name) => readFile(join(FIXTURES, name), "utf8")));
  const { nodes } = JSON.parse(texts.reduce((a, b) => (a.length > b.length ? a : b))).spec;
  const byHash = new Map(nodes.map((node) => [node.hash, node]));
  const ordered = new Map();
  const visit = (hash) => {
    const { hash: _hash, ...node } = byHash.get(hash);
    if (ordered.has(hash)) return;
    for (const edge of node.dependencies ?? []) visit(edge.hash);
    ordered.set(hash, { hash, node });
  };
  visit(nodes[0].hash);
  return [...ordered.values()];
}

function renamed(node, copy, nodes) {
  const dependencies = node.dependencies?.map((edge) => ({ ...edge, hash: nodes.get(edge.hash).hash }));
  const changed = { ...node, version: `${node.version}.${copy}`, ...(dependencies && { dependencies }) };
  return { ...changed, hash: computeDagHash({ text: JSON.stringify(changed) }) };
}

/** @param root the hash that the package had in the fixture */
function imageOf(root, nodes) {
  const byHash = new Map([...nodes.values()].map((node) => [node.hash, node]));
  const own = nodes.get(root);
  const reached = new Set([own.hash]);
  for (const hash of reached) for (const edge of byHash.get(hash).dependencies ?? []) reached.add(edge.hash);
  const value = {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [digestOf("a tarball")] },
    config: { Env: ["PATH=/usr/bin:/bin"] },
    spec: { _meta: { version: 5 }, nodes: [...reached].map((hash) => byHash.get(hash)) },
    buildcache_layout_version: 3,
  };
  const config = documentOf(OCI_CONFIG, Buffer.from(JSON.stringify(value)));
  const link = ({ descriptor: { mediaType, digest, size } }) => ({ mediaType, digest, size });
  const manifest = jsonDocument(OCI_MANIFEST, {
    mediaType: OCI_MANIFEST,
    schemaVersion: 2,
    config: link(config),
    layers: [link(LAYER)],
  });
  return { hash: own.hash, tag: packageTag(own), config, manifest };
}
