import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { asStorageError, systemCodeOf } from "../base/errors.js";
import { MEMORY_FILE } from "../base/memory-file.js";
import { removeLeftovers } from "../base/temporary-file.js";
import { indexMemoryFolder } from "../catalog/index-memory.js";
import { layerMemoryFolder } from "../layer/layer-memory.js";
import { removeSpoolLeftovers } from "../layer/spool.js";
import { localCacheFolder } from "../store/local-cache.js";

/** What the local cache holds: layers that `install` has fetched, and digests of layers that `push` has made. */
export interface CacheInfo {
  /** The cache folder. */
  readonly folder: string;
  readonly layers: number;
  /** Of the layers. */
  readonly bytes: number;
  /** Prefixes of which the layer's digests are remembered. */
  readonly remembered: number;
}

/**
 * What the local cache holds; a folder that isn't there holds nothing.
 * @throws SpkociError STORAGE_FAILED
 */
export async function readCacheInfo(cacheDir: string): Promise<CacheInfo> {
  return summarize(cacheDir, await listLayers(cacheDir), await listRemembered(cacheDir));
}

/**
 * Removes every layer and all that is remembered from the local cache, and what runs have left there whose processes have ended. A run that is under way goes on:
 * layers that it reads stay readable for it, and what it is writing is left alone.
 * @returns what was removed
 * @throws SpkociError STORAGE_FAILED
 */
export async function cleanCache(cacheDir: string): Promise<CacheInfo> {
  const layers = await listLayers(cacheDir);
  const remembered = await listRemembered(cacheDir);
  const indexes = await listFiles(indexMemoryFolder(cacheDir), MEMORY_FILE);
  for (const path of [...layers.map((layer) => layer.path), ...remembered, ...indexes]) {
    await rm(path, { force: true }).catch((error: unknown) => {
      throw asStorageError(error, `removing ${path}`);
    });
  }
  for (const folder of [layerMemoryFolder(cacheDir), indexMemoryFolder(cacheDir)]) await removeLeftovers(folder);
  await removeSpoolLeftovers(cacheDir);
  return summarize(cacheDir, layers, remembered);
}

interface CachedLayer {
  readonly path: string;
  readonly size: number;
}

async function listLayers(cacheDir: string): Promise<readonly CachedLayer[]> {
  const layers: CachedLayer[] = [];
  for (const path of await listFiles(join(localCacheFolder(cacheDir), "blobs", "sha256"), /^[0-9a-f]{64}$/)) {
    const stats = await lstat(path).catch((error: unknown) => {
      if (systemCodeOf(error) !== "ENOENT") throw asStorageError(error, `looking at ${path}`);
    });
    if (stats?.isFile()) layers.push({ path, size: stats.size });
  }
  return layers;
}

function listRemembered(cacheDir: string): Promise<readonly string[]> {
  return listFiles(layerMemoryFolder(cacheDir), MEMORY_FILE);
}

async function listFiles(folder: string, names: RegExp): Promise<readonly string[]> {
  const found = await readdir(folder).catch((error: unknown) => {
    if (systemCodeOf(error) === "ENOENT") return [];
    throw asStorageError(error, `reading ${folder}`, "Choose another folder with --cache-dir.");
  });
  return found.filter((name) => names.test(name)).map((name) => join(folder, name));
}

function summarize(folder: string, layers: readonly CachedLayer[], remembered: readonly string[]): CacheInfo {
  const bytes = layers.reduce((sum, { size }) => sum + size, 0);
  return { folder, layers: layers.length, bytes, remembered: remembered.length };
}
