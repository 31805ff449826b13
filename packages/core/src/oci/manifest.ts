import * as z from "zod";
import { SpkociError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import { listOf, textMap, whyInvalid } from "../base/schema.js";
import type { Descriptor } from "./descriptor.js";
import { descriptorSchema } from "./descriptor.js";
import type { Document } from "./document.js";
import { isIndexType, isManifestType } from "./media-type.js";

/** One image: a config and its layers, the base first (image-spec, manifest.md). */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Several manifests, one for each platform (image-spec, image-index.md). */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

const common = {
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  annotations: textMap.optional(),
};

const manifestSchema = z.looseObject({ ...common, config: descriptorSchema, layers: listOf(descriptorSchema) });
const indexSchema = z.looseObject({ ...common, manifests: listOf(descriptorSchema) });

/** @throws SpkociError DOCUMENT_INVALID unless the document is an image manifest of its own media type. */
export function parseManifest(document: Document, what: string): Manifest {
  if (!isManifestType(document.descriptor.mediaType)) throw unexpectedType(document, what, "an image manifest");
  const manifest = parseDocument(manifestSchema, document, what);
  return { ...manifest, mediaType: document.descriptor.mediaType };
}

/** @throws SpkociError DOCUMENT_INVALID unless the document is an index of its own media type. */
export function parseImageIndex(document: Document, what: string): ImageIndex {
  if (!isIndexType(document.descriptor.mediaType)) throw unexpectedType(document, what, "an image index");
  const index = parseDocument(indexSchema, document, what);
  return { ...index, mediaType: document.descriptor.mediaType };
}

function parseDocument<T extends { mediaType?: string | undefined }>(
  schema: z.ZodType<T>,
  document: Document,
  what: string,
): T {
  const parsed = schema.safeParse(parseJson(Buffer.from(document.bytes).toString("utf8"), what));
  if (!parsed.success) {
    throw new SpkociError("DOCUMENT_INVALID", `${what} is malformed: ${whyInvalid(parsed.error)}`);
  }
  const inside = parsed.data.mediaType;
  if (inside !== undefined && inside !== document.descriptor.mediaType) {
    throw new SpkociError(
      "DOCUMENT_INVALID",
      `${what} is served as ${document.descriptor.mediaType} but says it is ${inside}`,
    );
  }
  return parsed.data;
}

function unexpectedType(document: Document, what: string, wanted: string): SpkociError {
  return new SpkociError("DOCUMENT_INVALID", `${what} is not ${wanted} but ${document.descriptor.mediaType}`);
}
