import type { Op } from "../base/op.js";
import { parseImageIndex, parseManifest } from "../oci/manifest.js";
import { isIndexType, isManifestType } from "../oci/media-type.js";
import type { CheckContext } from "./context.js";
import { isImageConfigType } from "./judge-image.js";
import { judgeAndNoteImage, noteLayers } from "./note-image.js";
import { parseOrReport, readConfig, readManifest } from "./read-image.js";

/** Indexes inside indexes that are followed. */
const DEPTH_LIMIT = 4;

/**
 * Checks what a tag names that is no package's: an image over several packages, one of another origin, an index over images, or
 * anything else, of which only the blobs are noted.
 */
export async function checkImage(tag: string, context: CheckContext, op: Op): Promise<void> {
  await new TagCheck(tag, context, op).follow(tag, 1);
}

class TagCheck {
  readonly #tag: string;
  readonly #context: CheckContext;
  readonly #op: Op;
  /** Digests that were followed. */
  readonly #visited = new Set<string>();

  constructor(tag: string, context: CheckContext, op: Op) {
    this.#tag = tag;
    this.#context = context;
    this.#op = op;
  }

  async follow(reference: string, depth: number): Promise<void> {
    const { store, findings, blobs } = this.#context;
    const report = findings.about({ tag: this.#tag });
    const document = await readManifest(store, reference, report, this.#op);
    if (document === undefined) return;
    const { mediaType } = document.descriptor;
    if (isIndexType(mediaType)) {
      const index = parseOrReport(() => parseImageIndex(document, "it"), "MANIFEST_UNREADABLE", report);
      for (const { digest, mediaType: type } of index?.manifests ?? []) {
        if (this.#visited.has(digest) || depth >= DEPTH_LIMIT || !(isIndexType(type) || isManifestType(type))) continue;
        this.#visited.add(digest);
        await this.follow(digest, depth + 1);
      }
      return;
    }
    if (!isManifestType(mediaType)) return;
    const manifest = parseOrReport(() => parseManifest(document, "it"), "MANIFEST_UNREADABLE", report);
    if (manifest === undefined) return;
    if (!isImageConfigType(manifest.config.mediaType)) {
      blobs.add(manifest.config, this.#tag);
      noteLayers(this.#tag, manifest, undefined, this.#context);
      return;
    }
    const config = await readConfig(store, manifest.config, report, this.#op);
    if (config) judgeAndNoteImage(this.#tag, manifest, config, this.#context, report);
  }
}
