import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Store } from "../oci/store.js";
import { openLayout } from "./layout.js";

/** Where in a cache folder the layers that were fetched are kept: an OCI layout. */
export function localCacheFolder(cacheDir: string): string {
  return join(cacheDir, "blobs");
}

/**
 * Opens the local cache of layers, made if it isn't there.
 * @throws SpkociError as `openLayout`
 */
export async function openLocalCache(cacheDir: string): Promise<Store> {
  await mkdir(cacheDir, { recursive: true });
  return openLayout(localCacheFolder(cacheDir), { create: true });
}
