import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { Store } from "../oci/store.js";
import type { RegistryAccess } from "../registry/access.js";
import { openArchive } from "../store/archive.js";
import { openLayout } from "../store/layout.js";
import { MemoryStore } from "../store/memory.js";
import { formatLocation, type Location } from "./parse-location.js";

/**
 * - `read`: what is on disk must exist.
 * - `write`: a layout folder is made if it doesn't exist.
 * - `plan`: what doesn't exist is empty, and nothing is made.
 */
export type OpenMode = "read" | "write" | "plan";

/**
 * The Store at a location. Opening asks a registry nothing. Stores opened with the same `access` share connections, tokens and limits.
 * @throws SpkociError STORAGE_FAILED, IMAGE_NOT_FOUND, DOCUMENT_INVALID or ARCHIVE_REFUSED for a folder or file that can't be used;
 * INVALID_ARGUMENT for an archive that is to be written, which only a copy does
 */
export async function openLocation(
  location: Location,
  access: RegistryAccess,
  mode: OpenMode,
  op?: Op,
): Promise<Store> {
  try {
    return await open(location, access, mode, op);
  } catch (error) {
    const isAbsent = error instanceof SpkociError && error.code === "IMAGE_NOT_FOUND";
    if (mode !== "plan" || !isAbsent) throw error;
    return new MemoryStore(formatLocation(location));
  }
}

async function open(location: Location, access: RegistryAccess, mode: OpenMode, op: Op | undefined): Promise<Store> {
  if (location.kind === "layout") return openLayout(location.folder, { create: mode === "write" });
  if (location.kind === "archive") {
    if (mode === "write") throw onlyCopied(location.file);
    return openArchive(location.file, op);
  }
  const { repository, plainHttp } = location;
  // HTTP is a third of the program's code.
  const { openRegistry } = await import("../registry/open-registry.js");
  return openRegistry(repository, plainHttp ? { ...access, plainHttp: [repository.registry] } : access);
}

function onlyCopied(file: string): SpkociError {
  return new SpkociError("INVALID_ARGUMENT", `oci-archive:${file} is written as a whole, so this can't change it`, {
    hint: "Change an OCI layout folder (oci:DIR) or a registry, and copy that to the archive: spkoci copy oci:DIR oci-archive:FILE.",
  });
}
