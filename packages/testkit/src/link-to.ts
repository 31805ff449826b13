import type { Document } from "@spkoci/core";

/** A document as others name it. */
export function linkTo({ descriptor: { mediaType, digest, size } }: Pick<Document, "descriptor">): {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
} {
  return { mediaType, digest, size };
}
