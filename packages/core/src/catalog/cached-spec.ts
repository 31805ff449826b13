import { type Digest, isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import type { Op } from "../base/op.js";
import { collect } from "../base/streams.js";
import { CONFIG_LIMIT } from "../oci/image-config.js";
import type { Manifest } from "../oci/manifest.js";
import type { Store } from "../oci/store.js";
import { labelOf } from "../spack/concrete-spec.js";
import { verifyDagHashes } from "../spack/dag-hash.js";
import { parseSpecFile, type SpecFile } from "../spack/spec-file.js";

/** The newest `buildcache_layout_version` that can be installed. */
export const NEWEST_LAYOUT = 3;

/** What a package's config says to an installer (format page, section 3). */
export interface CachedSpec extends SpecFile {
  /** Digest of the package's uncompressed layer, the last one. */
  readonly diffId: Digest;
  /** How many layers the image has, a base image's among them. */
  readonly layerCount: number;
  /** Variables of the image, `NAME=value`. */
  readonly env: readonly string[];
}

type Config = Partial<Record<string, unknown>> | null;

/**
 * Reads the config of a package's image; the DAG hash of every node is recomputed.
 * @throws SpkociError DOCUMENT_INVALID for a newer layout or no image config, SPEC_INVALID, DAG_HASH_MISMATCH
 */
export function parseCachedSpec(text: string, what: string): CachedSpec {
  const config = parseJson(text, what) as Config;
  const layout = config?.buildcache_layout_version ?? 0;
  if (typeof layout !== "number" || layout > NEWEST_LAYOUT) {
    throw new SpkociError("DOCUMENT_INVALID", `${what} has the cache layout ${JSON.stringify(layout)}`, {
      hint: `spkoci installs layouts up to ${NEWEST_LAYOUT}: a newer Spack wrote this; use a newer spkoci.`,
    });
  }
  const file = parseSpecFile(text, what);
  if (file.root.external !== undefined) {
    throw new SpkociError("SPEC_INVALID", `${what} is of an external package`);
  }
  verifyDagHashes(file.nodes.values());
  return { ...file, ...diffIdsOf(config, what), env: envOf(config) };
}

function diffIdsOf(config: Config, what: string): Pick<CachedSpec, "diffId" | "layerCount"> {
  const rootfs = config?.rootfs as { diff_ids?: unknown } | undefined;
  const diffIds: unknown[] = Array.isArray(rootfs?.diff_ids) ? rootfs.diff_ids : [];
  const last = diffIds.at(-1);
  if (typeof last === "string" && isDigest(last)) return { diffId: last, layerCount: diffIds.length };
  throw new SpkociError("DOCUMENT_INVALID", `${what} names no layer`);
}

function envOf(config: Config): string[] {
  const execution = config?.config as { Env?: unknown } | null | undefined;
  const lines: unknown[] = Array.isArray(execution?.Env) ? execution.Env : [];
  return lines.filter((line) => typeof line === "string");
}

/** The config of a package's image, checked against its descriptor, with the spec in it. */
export async function readCachedSpec(store: Store, manifest: Manifest, tag: string, op: Op): Promise<CachedSpec> {
  const what = `the config of ${store.name}:${tag}`;
  const bytes = await collect(await store.open(manifest.config, op), CONFIG_LIMIT, what);
  return parseCachedSpec(bytes.toString("utf8"), what);
}

/** Makes sure that a config is of the package that was asked for. */
export function checkIdentity(spec: CachedSpec, hash: string, what: string): void {
  if (spec.root.hash === hash) return;
  throw new SpkociError("DAG_HASH_MISMATCH", `${what} holds ${labelOf(spec.root)}/${spec.root.hash}, not /${hash}`, {
    hint: "The cache's tag was moved to another package.",
  });
}
