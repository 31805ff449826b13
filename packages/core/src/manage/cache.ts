import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { asStorageError, systemCodeOf } from "../base/errors.js";
import { removeSpoolLeftovers } from "../layer/spool.js";
import { localCacheFolder } from "../store/local-cache.js";

/** Layers that `install` has fetched and keeps. */
export interface CacheInfo {
  /** The cache folder. */
  readonly folder: string;
  readonly layers: number;
  readonly bytes: number;
}

/**
 * What the local cache holds; a folder that isn't there holds nothing.
 * @throws SpkociError STORAGE_FAILED
 */
export async function readCacheInfo(cacheDir: string): Promise<CacheInfo> {
  return summarize(cacheDir, await listLayers(cacheDir));
}

/**
 * Removes every layer from the local cache, and what runs have left there whose processes have ended. A run that is under way goes on:
 * layers that it reads stay readable for it, and what it is writing is left alone.
 * @returns what was removed
 * @throws SpkociError STORAGE_FAILED
 */
export async function cleanCache(cacheDir: string): Promise<CacheInfo> {
  const layers = await listLayers(cacheDir);
  for (const { path } of layers) {
    await rm(path, { force: true }).catch((error: unknown) => {
      throw asStorageError(error, `removing ${path}`);
    });
  }
  await removeSpoolLeftovers(cacheDir);
  return summarize(cacheDir, layers);
}

interface CachedLayer {
  readonly path: string;
  readonly size: number;
}

async function listLayers(cacheDir: string): Promise<readonly CachedLayer[]> {
  const folder = join(localCacheFolder(cacheDir), "blobs", "sha256");
  const layers: CachedLayer[] = [];
  try {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const stats = /^[0-9a-f]{64}$/.test(name) ? await lstat(path) : undefined;
      if (stats?.isFile()) layers.push({ path, size: stats.size });
    }
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT") throw asStorageError(error, `reading ${folder}`);
  }
  return layers;
}

function summarize(folder: string, layers: readonly CachedLayer[]): CacheInfo {
  return { folder, layers: layers.length, bytes: layers.reduce((sum, { size }) => sum + size, 0) };
}
