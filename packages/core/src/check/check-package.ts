import type { Readable } from "node:stream";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { type CachedSpec, NEWEST_LAYOUT, parseCachedSpec } from "../catalog/cached-spec.js";
import { type ScannedLayer, scanLayer } from "../layer/scan-layer.js";
import { type Manifest, parseManifest } from "../oci/manifest.js";
import { labelOf } from "../spack/concrete-spec.js";
import type { KnownBlob } from "./blob-register.js";
import { isRecordRight } from "./compare-record.js";
import { type CheckContext, reaches } from "./context.js";
import type { About, Report } from "./findings.js";
import { judgeContents } from "./judge-contents.js";
import {
  judgeAnnotations,
  judgeArchitecture,
  judgeArchiveClaims,
  judgeDependencies,
  judgeTag,
} from "./judge-package.js";
import { judgeAndNoteImage } from "./note-image.js";
import { parseOrReport, type ReadConfig, readConfig, readManifest } from "./read-image.js";
import { aboutOf } from "./survey-index.js";

/**
 * Checks the image with a package's tag: manifest, config, spec, what the index says of it, and at the level contents the package's own
 * layer. Its blobs are noted for later.
 * @returns whether it is one of the packages that are to be checked
 */
export async function checkPackage(tag: string, context: CheckContext, op: Op): Promise<boolean> {
  const known = context.indexed.get(tag);
  const about: About = { tag, ...(known && aboutOf(known)) };
  const report = context.findings.about(about);
  const manifest = await readPackageManifest(tag, context, report, op);
  const config = manifest && (await readConfig(context.store, manifest.config, report, op));
  const spec = config && parseSpec(config, report);
  if (manifest === undefined || config === undefined || spec === undefined) {
    // It may be the one that is asked for, and nothing good can be told of it.
    context.selection.takeTag(tag);
    context.unindexed.delete(tag);
    if (manifest && config) judgeAndNoteImage(tag, manifest, config, context, report);
    return true;
  }
  if (known?.isWanted !== true && !context.selection.wantsPackage(spec)) {
    context.unindexed.delete(tag);
    return false;
  }
  const named: About =
    known?.package === undefined ? { tag, package: labelOf(spec.root), hash: spec.root.hash } : about;
  await checkReadPackage({ tag, manifest, config, spec, about: named }, context, op);
  return true;
}

interface ReadPackage {
  readonly tag: string;
  readonly manifest: Manifest;
  readonly config: ReadConfig;
  readonly spec: CachedSpec;
  readonly about: About;
}

async function checkReadPackage(read: ReadPackage, context: CheckContext, op: Op): Promise<void> {
  const { tag, manifest, config, spec, about } = read;
  const report = context.findings.about(about);
  judgeTag(tag, spec.root, report);
  const image = judgeAndNoteImage(tag, manifest, config, context, report);
  if (image) {
    judgeArchitecture(image, spec.root, report);
    judgeAnnotations(manifest, image, spec, report);
  }
  judgeDependencies(spec, manifest, (other) => context.tags.has(other), report);
  compareWithIndex(read, context, report);
  const own = manifest.layers.at(-1);
  if (own === undefined) return;
  judgeArchiveClaims(own, config.value, report);
  const blob = context.blobs.add(own, tag);
  blob.owner ??= about;
  if (reaches(context, "contents")) await checkOwnLayer(blob, spec, context, report, op);
}

async function readPackageManifest(
  tag: string,
  { store }: CheckContext,
  report: Report,
  op: Op,
): Promise<Manifest | undefined> {
  const document = await readManifest(store, tag, report, op);
  return document && parseOrReport(() => parseManifest(document, "it"), "MANIFEST_UNREADABLE", report);
}

function parseSpec({ bytes, value }: ReadConfig, report: Report): CachedSpec | undefined {
  const { buildcache_layout_version: layout } = value;
  try {
    return parseCachedSpec(bytes.toString("utf8"), "its config");
  } catch (error) {
    if (!(error instanceof SpkociError)) throw error;
    const isNewer = typeof layout === "number" && layout > NEWEST_LAYOUT;
    const isWrong = error.code === "DAG_HASH_MISMATCH";
    report(isNewer ? "LAYOUT_UNKNOWN" : isWrong ? "DAG_HASH_WRONG" : "SPEC_UNREADABLE", error.message);
    return undefined;
  }
}

/** Notes what of the package the index lacks or has wrong. */
function compareWithIndex({ tag, spec, about }: ReadPackage, context: CheckContext, report: Report): void {
  const { index, broken, unindexed, amending } = context;
  if (unindexed.has(tag)) unindexed.set(tag, about);
  if (index === undefined) return;
  const isToAmend = [...spec.nodes.keys()].some((hash) => !index.installs.has(hash) || broken.has(hash));
  if (isToAmend || !isRecordRight(spec.root, index, report)) amending.add(tag);
}

/** Reads the package's own layer as an installer would. */
async function checkOwnLayer(
  blob: KnownBlob,
  spec: CachedSpec,
  { reader }: CheckContext,
  report: Report,
  op: Op,
): Promise<void> {
  if (typeof blob.state === "object") return;
  const scan = (layer: Readable): Promise<ScannedLayer> => scanLayer({ layer, what: "it" }, op);
  const reading = await reader.read(blob.descriptor, scan, op);
  if ("fault" in reading) {
    blob.state = reading;
    return;
  }
  blob.state = reading.value.diffId;
  judgeContents(reading.value, spec, report);
}
