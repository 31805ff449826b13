import { openLocation } from "../location/open-location.js";
import { formatImageAt, type Location, parseLocation } from "../location/parse-location.js";
import type { Store } from "../oci/store.js";
import type { RegistryAccess } from "../registry/access.js";

/** A cache that packages are read from. */
export interface CacheSource {
  readonly store: Store;
  readonly location: Location;
  /** A reference to the image with a tag, for messages and results. */
  imageAt(tag: string): string;
}

/** @throws SpkociError INVALID_REFERENCE, or IMAGE_NOT_FOUND for a folder that is no OCI layout */
export async function openSources(texts: readonly string[], access: RegistryAccess): Promise<CacheSource[]> {
  const locations = texts.map(parseLocation);
  return Promise.all(
    locations.map(async (location) => ({
      store: await openLocation(location, access, "read"),
      location,
      imageAt: (tag: string) => formatImageAt(location, tag),
    })),
  );
}
