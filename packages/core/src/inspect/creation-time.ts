import type { ExistingImage } from "../image/existing-image.js";
import type { ImageConfig } from "../oci/image-config.js";

/**
 * When a package was pushed or made, ISO 8601 in UTC: SOURCE_DATE_EPOCH of spkoci's images, `archive_timestamp` of Spack's, or an image's
 * `created`. Undefined if the image doesn't say.
 */
export function creationTime(existing: ExistingImage, config: ImageConfig | undefined): string | undefined {
  if (existing.sourceDateEpoch !== undefined) return formatTime(existing.sourceDateEpoch * 1000);
  const times = [config?.archive_timestamp, config?.created].map((time) => formatTime(Date.parse(String(time))));
  return times.find((time) => time !== undefined);
}

/** The year 10000 in ms, which no clock means. */
const END = Date.UTC(10_000, 0);

/** Undefined for what is no time, and for 1970, which says that there is none. */
function formatTime(ms: number): string | undefined {
  return ms > 0 && ms < END ? new Date(ms).toISOString() : undefined;
}
