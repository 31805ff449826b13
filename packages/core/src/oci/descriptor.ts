import * as z from "zod";
import type { Digest } from "../base/digest.js";
import { mayBeDigest } from "../base/digest.js";
import { textMap, texts } from "../base/schema.js";
import type { Platform } from "./platform.js";

/** A pointer to content: its type, digest and size in bytes (image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly platform?: Platform | undefined;
  readonly artifactType?: string | undefined;
  /** Places outside the registry where the content may be had; kept, never followed. */
  readonly urls?: readonly string[] | undefined;
}

const platformSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
  "os.version": z.string().optional(),
});

/** Accepts unknown members, and digests of unknown algorithms, whose content can't be read; refuses other digests, and sizes that are not whole numbers. */
export const descriptorSchema: z.ZodType<Descriptor> = z.looseObject({
  mediaType: z.string(),
  digest: z.custom<Digest>((value) => typeof value === "string" && mayBeDigest(value), "not a digest"),
  size: z.number().int().nonnegative(),
  annotations: textMap.optional(),
  platform: platformSchema.optional(),
  artifactType: z.string().optional(),
  urls: texts.optional(),
});
