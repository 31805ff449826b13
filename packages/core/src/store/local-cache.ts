import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { asStorageError } from "../base/errors.js";
import { makeFolders } from "../base/make-folders.js";
import type { Store } from "../oci/store.js";
import { openLayout } from "./layout.js";

/** Where in a cache folder the layers that were fetched are kept: an OCI layout. */
export function localCacheFolder(cacheDir: string): string {
  return join(cacheDir, "blobs");
}

/**
 * Opens the local cache of layers. What of it isn't there is made, for this user alone.
 * @throws SpkociError STORAGE_FAILED, with a hint, if it can't be made or written to; as `openLayout`
 */
export async function openLocalCache(cacheDir: string): Promise<Store> {
  const folder = localCacheFolder(cacheDir);
  try {
    await makeFolders(folder, 0o700);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw asStorageError(
      error,
      `keeping layers in ${folder}`,
      "Choose another folder with --cache-dir, or none with --no-cache.",
    );
  }
  return openLayout(folder, { create: true });
}
