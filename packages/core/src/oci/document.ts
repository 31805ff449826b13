import { digestOf } from "../base/digest.js";
import { formatJson, type JsonValue } from "../base/json.js";
import type { Descriptor } from "./descriptor.js";

/** A manifest, index or config with the bytes that its digest was made of. */
export interface Document {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** A document of these bytes, with its digest computed. */
export function documentOf(mediaType: string, bytes: Uint8Array): Document {
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

/** A document of compact JSON. */
export function jsonDocument(mediaType: string, value: JsonValue): Document {
  return documentOf(mediaType, Buffer.from(formatJson(value)));
}
