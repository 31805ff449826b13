import type { Store } from "../oci/store.js";
import type { RegistryAccess } from "../registry/access.js";
import { openRegistry } from "../registry/open-registry.js";
import { openLayout } from "../store/layout.js";
import type { Location } from "./parse-location.js";

/**
 * The Store at a location. Opening asks a registry nothing; a layout folder must exist, or is made for "write".
 * Stores opened with the same `access` share connections, tokens and limits.
 * @throws SpkociError STORAGE_FAILED or IMAGE_NOT_FOUND for a folder that can't be used
 */
export async function openLocation(location: Location, access: RegistryAccess, mode: "read" | "write"): Promise<Store> {
  if (location.kind === "layout") return openLayout(location.folder, { create: mode === "write" });
  const { repository, plainHttp } = location;
  return openRegistry(repository, plainHttp ? { ...access, plainHttp: [repository.registry] } : access);
}
