import type { Op } from "../base/op.js";
import { collect, readableOf } from "../base/streams.js";
import { type CachedSpec, checkIdentity, parseCachedSpec } from "../catalog/cached-spec.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { CONFIG_LIMIT } from "../oci/image-config.js";
import { parseManifest } from "../oci/manifest.js";
import type { BlobSource } from "../oci/store.js";
import type { CopyContext } from "./context.js";
import { decideAction, type PackageItem } from "./plan.js";
import type { CopyAction } from "./result.js";

/** A tag of the source, and what is to become of it. */
export interface SurveyedTag {
  readonly action: CopyAction;
  /** What the source has; undefined if it has nothing. */
  readonly descriptor: Descriptor | undefined;
}

/** Asks both places what a tag names. */
export async function surveyTag({ source, target }: CopyContext, tag: string, op: Op): Promise<SurveyedTag> {
  const [from, to] = await Promise.all([source.store.resolve(tag, op), target.store.resolve(tag, op)]);
  return { action: decideAction(from?.digest, to?.digest), descriptor: from };
}

/** A package's image whose spec was checked against the DAG hash, as an install does. */
export interface CheckedPackage {
  readonly spec: CachedSpec;
  /** The config, which needn't be fetched again. */
  readonly config: BlobSource;
}

/** @throws SpkociError DOCUMENT_INVALID, SPEC_INVALID, DAG_HASH_MISMATCH, BLOB_NOT_FOUND */
export async function checkPackage(
  { source }: CopyContext,
  { spec: { hash }, tag }: PackageItem,
  document: Document,
  op: Op,
): Promise<CheckedPackage> {
  const what = source.imageAt(tag);
  const { config } = parseManifest(document, what);
  const bytes = await collect(await source.store.open(config, op), CONFIG_LIMIT, `the config of ${what}`);
  const spec = parseCachedSpec(bytes.toString("utf8"), `the config of ${what}`);
  checkIdentity(spec, hash, what);
  return { spec, config: { descriptor: config, open: async () => readableOf(bytes) } };
}
