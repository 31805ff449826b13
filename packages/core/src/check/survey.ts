import type { Op } from "../base/op.js";
import { StepProgress } from "../base/step-progress.js";
import type { CacheSource } from "../catalog/cache-source.js";
import { packagesInIndex } from "../catalog/list-packages.js";
import { type ReadIndex, readIndex } from "../catalog/read-index.js";
import type { Manifest } from "../oci/manifest.js";
import { INDEX_TAG, isPackageTag } from "../spack/tag.js";
import { BlobRegister } from "./blob-register.js";
import type { CheckContext } from "./context.js";
import type { CheckLevel } from "./finding-codes.js";
import { Findings } from "./findings.js";
import { imageFailure } from "./image-failure.js";
import { noteLayers } from "./note-image.js";
import { BlobReader } from "./read-blob.js";
import type { Selection } from "./selection.js";
import { aboutOf, surveyIndex } from "./survey-index.js";

/**
 * Lists the tags and reads the index, in this order: a package that is pushed meanwhile is then in the index rather than without a tag.
 * What is wrong with the index by itself is reported.
 */
export async function survey(
  source: CacheSource,
  selection: Selection,
  level: CheckLevel,
  op: Op,
): Promise<CheckContext> {
  const { store } = source;
  const findings = new Findings();
  const tags = await listTags(source, op);
  const read = await readOrReport(source, [...tags].some(isPackageTag), findings, op);
  const index = read?.index;
  if (index && !selection.isEverything) {
    const { packages, known } = packagesInIndex(index, source, {});
    selection.chooseFromIndex(packages, known);
  }
  const wants = (hash: string): boolean => selection.wantsRecord(hash);
  const { packages: indexed, broken } = index
    ? surveyIndex({ index, where: store.name, tags }, wants, findings)
    : { packages: new Map(), broken: new Set<string>() };
  const context: CheckContext = {
    store,
    level,
    selection,
    findings,
    blobs: new BlobRegister(),
    reader: new BlobReader(store),
    tags,
    index,
    indexed,
    broken,
    unindexed: new Map(),
    amending: new Set(),
  };
  for (const tag of tags) noteUnindexed(tag, context);
  if (read?.manifest && selection.isEverything) noteIndex(read.manifest, context);
  return context;
}

async function listTags({ store }: CacheSource, op: Op): Promise<Set<string>> {
  op.emit?.({ type: "step", step: "list-tags", message: `listing the tags of ${store.name}` });
  const progress = new StepProgress(op.emit, "list-tags", "tags");
  const tags = new Set<string>();
  for await (const tag of store.tags(op)) {
    tags.add(tag);
    progress.add(1);
  }
  progress.end();
  return tags;
}

/** The index; undefined if there is none that can be read, which is reported. */
async function readOrReport(
  { store }: CacheSource,
  hasPackages: boolean,
  findings: Findings,
  op: Op,
): Promise<ReadIndex | undefined> {
  const report = findings.about({ tag: INDEX_TAG });
  op.emit?.({ type: "step", step: "read-index", message: `reading the index of ${store.name}` });
  try {
    const read = await readIndex(store, op);
    if (read.digest !== undefined) return read;
    if (hasPackages) report("INDEX_MISSING", `there is no tag ${INDEX_TAG}`);
  } catch (error) {
    report("INDEX_UNREADABLE", (await imageFailure(error, store, op)).message);
  }
  return undefined;
}

function noteUnindexed(tag: string, { indexed, unindexed, selection }: CheckContext): void {
  const entry = indexed.get(tag);
  if (!isPackageTag(tag) || entry?.inBuildcache || !selection.mayWantTag(tag)) return;
  unindexed.set(tag, { tag, ...(entry && aboutOf(entry)) });
}

/** The index's own blobs. The first layer was read. */
function noteIndex(manifest: Manifest, context: CheckContext): void {
  const { blobs } = context;
  blobs.add(manifest.config, INDEX_TAG);
  noteLayers(INDEX_TAG, manifest, undefined, context);
  const [content] = manifest.layers;
  if (content) blobs.add(content, INDEX_TAG).state = "there";
}

/** Whether a tag is to be checked, or may turn out to be. */
export function isInQuestion(tag: string, { indexed, selection, unindexed }: CheckContext): boolean {
  if (!isPackageTag(tag)) return tag !== INDEX_TAG && selection.isEverything;
  return indexed.get(tag)?.isWanted === true || unindexed.has(tag);
}
