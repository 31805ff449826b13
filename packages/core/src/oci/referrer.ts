import * as z from "zod";
import { type Digest, isDigest } from "../base/digest.js";
import { textMap } from "../base/schema.js";
import type { Descriptor } from "./descriptor.js";
import type { Document } from "./document.js";

const referrerSchema = z.object({
  subject: z.object({ digest: z.custom<Digest>((value) => typeof value === "string" && isDigest(value)) }),
  artifactType: z.string().optional().catch(undefined),
  config: z.object({ mediaType: z.string() }).optional().catch(undefined),
  annotations: textMap.optional().catch(undefined),
});

/** A document that says what it is about (image-spec, manifest.md, `subject`). */
export interface Referrer {
  /** Digest of the manifest or index that it refers to. */
  readonly subject: Digest;
  /** As a list of referrers has it: with artifact type, or else the config's media type, and all annotations. */
  readonly descriptor: Descriptor;
}

/** What a manifest or index refers to; undefined for one without a subject. */
export function readReferrer(document: Document): Referrer | undefined {
  const parsed = referrerSchema.safeParse(jsonOf(document.bytes));
  if (!parsed.success) return undefined;
  const { subject, artifactType, config, annotations } = parsed.data;
  const { mediaType, digest, size } = document.descriptor;
  return {
    subject: subject.digest,
    descriptor: { mediaType, digest, size, artifactType: artifactType || config?.mediaType, annotations },
  };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
